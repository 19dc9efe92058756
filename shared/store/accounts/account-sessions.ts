import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';

/** The sessions of accounts at targets, sealed. */

/** A session that runs out sooner is no use for a run that begins now. */
const marginSeconds = 60;

/** Of `account_sessions s`: whether it can be used, as far as is known. */
export const isValidSession = sql`(
  s.state = 'active' and (s.expires_at is null or s.expires_at > now() + make_interval(secs => ${marginSeconds})))`;

/** What a login gave. */
export interface NewSession {
  accountId: string;
  /** Null: the login failed. */
  sealedSession: string | null;
  expiresAt: Date | null;
  loginMs: number;
  failureCode: string | null;
}

/**
 * Writes what logins gave, in place of the sessions there were; those of accounts that are gone by now are left out.
 * @param loginJob the bulk login that made them; absent, that of an earlier one stays
 */
export async function saveSessions(
  tx: Executor,
  { origin, loginJob = null, sessions }: { origin: string; loginJob?: string | null; sessions: NewSession[] },
): Promise<void> {
  if (sessions.length === 0) return;
  await tx.execute(sql`
    with held as (
      select a.id from accounts a
      where a.id in (select (value ->> 'accountId')::uuid from jsonb_array_elements(${JSON.stringify(sessions)}::jsonb))
        and a.status <> 'deleted'
      order by a.id for key share
    )
    insert into account_sessions as s
      (account_id, origin, state, sealed_session, expires_at, login_ms, failure_code, login_job)
    select held.id, ${origin}, case when g."sealedSession" is null then 'failed' else 'active' end,
      g."sealedSession", g."expiresAt", g."loginMs", g."failureCode", ${loginJob}::uuid
    from jsonb_to_recordset(${JSON.stringify(sessions)}::jsonb) as g(
      "accountId" uuid, "sealedSession" text, "expiresAt" timestamptz, "loginMs" real, "failureCode" text)
    join held on held.id = g."accountId"
    order by held.id
    on conflict (account_id, origin) do update set
      state = excluded.state, sealed_session = excluded.sealed_session, expires_at = excluded.expires_at,
      login_ms = excluded.login_ms, failure_code = excluded.failure_code, logged_in_at = now(),
      login_job = coalesce(excluded.login_job, s.login_job)`);
}

export interface SessionCounts {
  origin: string;
  active: number;
  expired: number;
  failed: number;
  failures: Record<string, number>;
  nextExpiry: Date | null;
}

const ofBatch = (batchId: string | undefined): SQL =>
  batchId === undefined ? sql`true` : sql`a.test_batch_id = ${batchId}::uuid`;

/** The sessions of accounts that are not deleted, target by target. */
export async function countSessions(db: Executor, batchId: string | undefined): Promise<SessionCounts[]> {
  const rows = await db.execute<{ counts: Omit<SessionCounts, 'nextExpiry'>; next: string | null }>(sql`
    with known as (
      select s.origin, s.failure_code as code, count(*)::int as times, min(s.expires_at) as next,
        case when s.state = 'active' and s.expires_at <= now() then 'expired' else s.state end as state
      from account_sessions s join accounts a on a.id = s.account_id
      where a.status <> 'deleted' and ${ofBatch(batchId)}
      group by s.origin, s.failure_code, 5
    )
    select jsonb_build_object(
        'origin', origin,
        'active', coalesce(sum(times) filter (where state = 'active'), 0),
        'expired', coalesce(sum(times) filter (where state = 'expired'), 0),
        'failed', coalesce(sum(times) filter (where state = 'failed'), 0),
        'failures', coalesce(jsonb_object_agg(code, times) filter (where state = 'failed' and code is not null), '{}')
      ) as counts,
      to_json(min(next) filter (where state = 'active')) #>> '{}' as next
    from known group by origin order by origin`);
  return rows.map(({ counts, next }) => ({ ...counts, nextExpiry: next === null ? null : new Date(next) }));
}

/** Accounts that are not deleted, and those of them that load tests hold. */
export async function countPool(
  db: Executor,
  batchId: string | undefined,
): Promise<{ accounts: number; leased: number }> {
  const [row] = await db.execute<{ accounts: number; leased: number }>(sql`
    select count(*)::int as accounts, count(l.account_id)::int as leased
    from accounts a left join account_leases l on l.account_id = a.id
    where a.status <> 'deleted' and ${ofBatch(batchId)}`);
  return row ?? { accounts: 0, leased: 0 };
}

import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { type AuditRow, auditLog } from '../../../drizzle/platform/schema/settings.ts';
import type { Executor } from '../../platform/postgres/db.ts';

export interface Deed {
  actor: string;
  keyId?: string | null;
  /** `<noun>.<verb>`: `bulk-users.cleanup`, `settings.change`. */
  action: string;
  /** What the deed was done to. */
  subject?: string | undefined;
  /** Never a secret. */
  detail?: Record<string, unknown>;
  requestId?: string | undefined;
}

/** Writes who did what; call it in the transaction of the deed. */
export async function recordDeed(tx: Executor, ...deeds: Deed[]): Promise<void> {
  if (deeds.length > 0) await tx.insert(auditLog).values(deeds);
}

/** Deeds, newest first: those of an actor, of an action, to a subject, or all. */
export function listDeeds(
  db: Executor,
  filter: {
    actor?: string | undefined;
    action?: string | undefined;
    subject?: string | undefined;
    before?: number | undefined;
    limit: number;
  },
): Promise<AuditRow[]> {
  const { actor, action, subject, before, limit } = filter;
  return db
    .select()
    .from(auditLog)
    .where(
      and(
        actor === undefined ? undefined : eq(auditLog.actor, actor),
        action === undefined ? undefined : eq(auditLog.action, action),
        subject === undefined ? undefined : eq(auditLog.subject, subject),
        before === undefined ? undefined : lt(auditLog.id, before),
      ),
    )
    .orderBy(desc(auditLog.id))
    .limit(limit);
}

/** Deeds that one statement deletes at most. */
const prunedAtOnce = 2000;

/**
 * Deletes the deeds that are so many days old. Ids ascend with the moments, so that only the oldest are read, and no index
 * is needed for it; a deed whose transaction was long may go a turn later.
 * @param days 0 keeps everything
 */
export async function pruneDeeds(db: Executor, days: number): Promise<void> {
  if (days === 0) return;
  for (;;) {
    const { count } = await db.execute(sql`
      delete from audit_log where ctid = any (array(
        select ctid from (select ctid, at from audit_log order by id limit ${prunedAtOnce}) oldest
        where at < now() - make_interval(days => ${days})))`);
    if (count < prunedAtOnce) return;
  }
}

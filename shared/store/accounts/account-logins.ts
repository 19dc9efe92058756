import { type SQL, sql } from 'drizzle-orm';
import type { BulkLoginInput } from '../../contracts/account-sessions.ts';
import type { Db, Executor } from '../../platform/postgres/db.ts';
import { isValidSession, type NewSession, saveSessions } from './account-sessions.ts';

/** The ledger of a bulk login: which accounts are whose to log in, and how far each chunk is. */

type Scope = Pick<BulkLoginInput, 'batch_id' | 'origin' | 'force'>;
type LimitedScope = Scope & Pick<BulkLoginInput, 'limit'>;

/** Of `accounts a left join account_sessions s`: who is to be logged in. */
const isDue = ({ batch_id, force }: Scope): SQL => sql`
  a.status <> 'deleted'
  and ${batch_id === undefined ? sql`true` : sql`a.test_batch_id = ${batch_id}::uuid`}
  and ${force ? sql`true` : sql`(s.account_id is null or not ${isValidSession})`}`;

const accountsAndSessions = (origin: string): SQL =>
  sql`accounts a left join account_sessions s on s.account_id = a.id and s.origin = ${origin}`;

/**
 * Divides the accounts that are to be logged in into chunks, dealt out to the lanes; nothing where there are chunks
 * already. Some four chunks a lane, of 25 to 200 accounts; of more where there would be more than 2,000 chunks.
 */
export async function planLogins(
  db: Executor,
  { jobId, scope, lanes }: { jobId: string; scope: LimitedScope; lanes: number },
): Promise<void> {
  await db.execute(sql`
    with due as materialized (
      select id, row_number() over (order by id) - 1 as position, count(*) over () as total from (
        select a.id from ${accountsAndSessions(scope.origin)} where ${isDue(scope)}
        order by a.id limit ${scope.limit}::int
      ) as chosen
    ), chunked as (
      select position / greatest(25, least(200, total / ${lanes * 4}), (total + 1999) / 2000) as chunk, min(id::text)::uuid as first,
        max(id::text)::uuid as last, count(*) as accounts
      from due group by 1
    )
    insert into account_login_chunks (job_id, chunk_index, first_id, last_id, accounts, lane)
    select ${jobId}, chunk, first, last, accounts, chunk % ${lanes} from chunked
    where not exists (select from account_login_chunks where job_id = ${jobId})`);
}

/** For a retry: what was withdrawn, and every chunk with failures, is to be done again, once a run. */
export async function reopenLogins(
  db: Executor,
  { jobId, run }: { jobId: string; run: number },
): Promise<void> {
  await db.execute(sql`
    with reopened as (
      update account_login_chunks set run = ${run}, failures = '{}', epoch = epoch + 1,
        status = case when status = 'done' and failures = '{}' then 'done' else 'pending' end
      where job_id = ${jobId} and run < ${run} returning status
    )
    update account_sessions set login_job = null
    where login_job = ${jobId} and state = 'failed' and exists (select from reopened)`);
}

/** The right to log a chunk's accounts in: void as soon as its epoch has moved on. */
export interface LoginChunkLease {
  jobId: string;
  chunkIndex: number;
  epoch: number;
  firstId: string;
  lastId: string;
  /** Accounts of the chunk that an earlier try has logged in. */
  loggedIn: number;
  failures: Record<string, number>;
}

/**
 * Takes the next chunk for a lane: what a predecessor in the lane left, then its own, then any.
 * @param held the indexes of those that it has
 */
export async function claimLoginChunk(
  db: Executor,
  { jobId, lane, worker, held }: { jobId: string; lane: number; worker: string; held: readonly number[] },
): Promise<LoginChunkLease | undefined> {
  const [row] = await db.execute<{ lease: LoginChunkLease }>(sql`
    with next as (
      select chunk_index from account_login_chunks
      where job_id = ${jobId} and (status = 'pending' or status = 'running' and lane = ${lane})
        and chunk_index not in (select value::int from jsonb_array_elements_text(${JSON.stringify(held)}::jsonb))
      order by status = 'running' desc, lane = ${lane} desc, chunk_index
      limit 1 for update skip locked
    )
    update account_login_chunks c set status = 'running', epoch = epoch + 1, lane = ${lane}, worker = ${worker}
    from next where c.job_id = ${jobId} and c.chunk_index = next.chunk_index
    returning jsonb_build_object('jobId', c.job_id, 'chunkIndex', c.chunk_index, 'epoch', epoch,
      'firstId', first_id, 'lastId', last_id, 'loggedIn', logged_in, 'failures', failures) as lease`);
  return row?.lease;
}

export interface DueAccount {
  id: string;
  username: string;
  sealedPassword: string | null;
}

/** The accounts of a chunk that this job has not tried yet. */
export async function listDueAccounts(
  db: Executor,
  { jobId, firstId, lastId }: LoginChunkLease,
  scope: Scope,
): Promise<DueAccount[]> {
  const rows = await db.execute<{ account: DueAccount }>(sql`
    select jsonb_build_object('id', a.id, 'username', a.username, 'sealedPassword', a.sealed_password) as account
    from ${accountsAndSessions(scope.origin)}
    where a.id between ${firstId}::uuid and ${lastId}::uuid and ${isDue(scope)}
      and s.login_job is distinct from ${jobId}::uuid
    order by a.id`);
  return rows.map(row => row.account);
}

const holds = ({ jobId, chunkIndex, epoch }: LoginChunkLease): SQL =>
  sql`job_id = ${jobId} and chunk_index = ${chunkIndex} and epoch = ${epoch} and status = 'running'`;

/**
 * Writes sessions of a chunk with its counts, in one transaction.
 * @param counts of the whole chunk until now
 * @returns false when the lease is void, and nothing was written
 */
export function recordLogins(
  db: Db | Executor,
  lease: LoginChunkLease,
  counts: Pick<LoginChunkLease, 'loggedIn' | 'failures'>,
  { origin, sessions }: { origin: string; sessions: NewSession[] },
): Promise<boolean> {
  return db.transaction(async tx => {
    const written = await tx.execute(sql`
      update account_login_chunks
      set logged_in = ${counts.loggedIn}, failures = ${JSON.stringify(counts.failures)}::jsonb
      where ${holds(lease)} returning chunk_index`);
    if (written.length === 0) return false;
    await saveSessions(tx, { origin, loginJob: lease.jobId, sessions });
    return true;
  });
}

export async function concludeLoginChunk(db: Executor, lease: LoginChunkLease): Promise<void> {
  await db.execute(sql`
    update account_login_chunks set status = 'done', finished_at = clock_timestamp() where ${holds(lease)}`);
}

/** Withdraws every chunk that is not done: no lane that holds one can write to it any more. */
export async function withdrawLogins(db: Executor, jobId: string): Promise<void> {
  await db.execute(sql`
    update account_login_chunks set status = 'cancelled', epoch = epoch + 1
    where job_id = ${jobId} and status in ('pending', 'running')`);
}

export interface LoginTally {
  chunks: number;
  chunksDone: number;
  /** Chunks that no lane has taken yet. */
  chunksPending: number;
  /** Lanes that have chunks which are not done, or had. */
  lanes: number;
  accounts: number;
  loggedIn: number;
  failures: Record<string, number>;
}

export async function tallyLogins(db: Executor, jobId: string): Promise<LoginTally> {
  const [row] = await db.execute<{ tally: LoginTally }>(sql`
    with chunks as (select * from account_login_chunks where job_id = ${jobId})
    select jsonb_build_object(
      'chunks', count(*), 'chunksDone', count(*) filter (where status = 'done'),
      'chunksPending', count(*) filter (where status = 'pending'),
      'lanes', coalesce(max(lane) + 1, 0),
      'accounts', coalesce(sum(accounts), 0), 'loggedIn', coalesce(sum(logged_in), 0),
      'failures', (
        select coalesce(jsonb_object_agg(code, times), '{}') from (
          select code, sum(times::int) as times from chunks, jsonb_each_text(failures) as f(code, times) group by code
        ) by_code)) as tally
    from chunks`);
  return (
    row?.tally ?? {
      chunks: 0,
      chunksDone: 0,
      chunksPending: 0,
      lanes: 0,
      accounts: 0,
      loggedIn: 0,
      failures: {},
    }
  );
}

/** The 95th percentile of how long this job's logins took, in milliseconds; null without any. */
export async function loginP95(db: Executor, jobId: string): Promise<number | null> {
  const [row] = await db.execute<{ p95: number | null }>(sql`
    select percentile_cont(0.95) within group (order by login_ms) as p95
    from account_sessions where login_job = ${jobId} and state = 'active'`);
  return row?.p95 ?? null;
}

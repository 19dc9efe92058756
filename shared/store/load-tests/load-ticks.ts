import { type SQL, sql } from 'drizzle-orm';
import { loadTicks } from '../../../drizzle/platform/schema/load-tests.ts';
import type { Db, Executor } from '../../platform/postgres/db.ts';
import { limitTransaction } from '../transactions.ts';
import { appendLoadEvents, type NewLoadEvent } from './load-events.ts';
import { type NewLoadError, saveLoadErrors } from './load-results.ts';
import { held, markDegraded, type ShardLease, shardLeaseMs } from './load-shards.ts';

/** What shards have measured, second by second, until the test has ended. What a delta holds is the engine's affair. */
export interface NewTick {
  seq: number;
  second: number;
  delta: unknown;
  /** What happened in it, for the test's log. */
  events: NewLoadEvent[];
  errors: NewLoadError[];
}

/**
 * A worker that is frozen while it holds its shard keeps the conductor waiting, which by then may hold the other shards:
 * well before their leases run out it must be over.
 */
const longestHoldMs = shardLeaseMs / 2;

/**
 * Writes a shard's ticks with their events and error samples, once, however often it is called with the same ones.
 * The shard's row is held meanwhile: after another worker has taken the shard, no older tick can appear any more, so
 * that a reader may go by `(epoch, seq)`.
 * @returns false when the lease is void, and nothing is written
 */
export function appendTicks(db: Db, lease: ShardLease, ticks: NewTick[]): Promise<boolean> {
  return db.transaction(async tx => {
    await limitTransaction(tx, longestHoldMs);
    if (ticks.some(({ events }) => events.length > 0)) {
      await tx.execute(sql`select from load_tests where id = ${lease.testId} for no key update`);
    }
    const [holding] = await tx.execute(sql`
      select 1 from load_shards where ${held(lease)} for share`);
    if (holding === undefined) return false;
    const written = await tx
      .insert(loadTicks)
      .values(
        ticks.map(({ seq, second, delta }) => ({
          loadTestId: lease.testId,
          shard: lease.shard,
          epoch: lease.epoch,
          seq,
          second,
          delta,
        })),
      )
      .onConflictDoNothing()
      .returning({ seq: loadTicks.seq });
    const seqs = new Set(written.map(row => row.seq));
    await noteTicks(
      tx,
      lease.testId,
      ticks.filter(({ seq }) => seqs.has(seq)),
    );
    return true;
  });
}

async function noteTicks(tx: Executor, testId: string, ticks: NewTick[]): Promise<void> {
  const events = ticks.flatMap(tick => tick.events);
  if (events.some(({ type }) => type === 'shard_cut_off')) await markDegraded(tx, testId);
  await appendLoadEvents(tx, testId, events);
  await saveLoadErrors(
    tx,
    testId,
    ticks.flatMap(tick => tick.errors),
  );
}

/** The last tick of a shard that was read. */
export interface TickCursor {
  shard: number;
  epoch: number;
  seq: number;
}

export interface Tick extends TickCursor {
  second: number;
  delta: unknown;
}

/** Ticks after the cursors, shard by shard in the order of `(epoch, seq)`; at most `limit` of each shard. */
export async function readTicks(
  db: Executor,
  { testId, cursors, limit }: { testId: string; cursors: TickCursor[]; limit: number },
): Promise<Tick[]> {
  return db.execute<Tick & Record<string, unknown>>(sql`
    select t.shard, t.epoch, t.seq, t.second, t.delta
    from jsonb_to_recordset(${JSON.stringify(cursors)}::jsonb) as c(shard int, epoch int, seq int)
    cross join lateral (
      select * from load_ticks
      where load_test_id = ${testId} and shard = c.shard and (epoch, seq) > (c.epoch, c.seq)
      order by epoch, seq limit ${limit}
    ) t
    order by t.shard, t.epoch, t.seq`);
}

/** Everything that shards have reported of these seconds. */
export async function readTicksOfSeconds(
  db: Executor,
  testId: string,
  seconds: number[],
): Promise<Pick<Tick, 'shard' | 'second' | 'delta'>[]> {
  if (seconds.length === 0) return [];
  return db
    .select({ shard: loadTicks.shard, second: loadTicks.second, delta: loadTicks.delta })
    .from(loadTicks)
    .where(
      sql`${loadTicks.loadTestId} = ${testId} and ${loadTicks.second} = any (${sql.param(seconds)}::int[])`,
    );
}

/** Tests of which there are ticks. They are few, and found by jumps through the index: it is not read from end to end. */
export async function listMeasuredTests(db: Executor): Promise<string[]> {
  const rows = await db.execute<{ id: string }>(sql`
    with recursive measured (id) as (
      (select load_test_id from load_ticks order by load_test_id limit 1)
      union all
      select (select load_test_id from load_ticks where load_test_id > measured.id order by load_test_id limit 1)
      from measured where measured.id is not null
    )
    select id from measured where id is not null`);
  return rows.map(({ id }) => id);
}

/** Some tenths of a second. All ticks of a test may be many seconds' work: a day of four shards has 345,600. */
const deletedAtOnce = 10_000;

/**
 * Deletes ticks of those of the tests that have ended, so many a call; nobody reads them any more, or writes any. Those
 * that another worker is deleting are left to it.
 * @returns whether there may be more
 */
export const deleteEndedTicks = (db: Executor, testIds: string[]): Promise<boolean> =>
  deleteTicks(db, testIds, sql`test.finished_at is not null`);

/** The same of a test that is to begin anew, whether the run before was concluded or not. */
export const deleteTicksBefore = (db: Executor, testId: string, run: number): Promise<boolean> =>
  deleteTicks(db, [testId], sql`test.planned_run < ${run}`);

async function deleteTicks(db: Executor, testIds: string[], condition: SQL): Promise<boolean> {
  const [deleted] = await db.execute<{ ticks: number }>(sql`
    with deleted as (
      delete from load_ticks where ctid = any (array(
        select tick.ctid from load_tests test cross join lateral (
          select ctid from load_ticks where load_test_id = test.id
          order by second limit ${deletedAtOnce} for update skip locked
        ) tick
        where test.id = any (${sql.param(testIds)}::uuid[]) and ${condition}
        limit ${deletedAtOnce}
      )) returning 1
    )
    select count(*)::int as ticks from deleted`);
  return deleted?.ticks === deletedAtOnce;
}

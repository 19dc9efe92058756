import { type SQL, sql } from 'drizzle-orm';
import type { loadShards } from '../../../drizzle/platform/schema/load-tests.ts';
import type { LoadTestConfig, LoadTestControl } from '../../contracts/load-tests.ts';
import type { Db, Executor } from '../../platform/postgres/db.ts';
import { limitTransaction } from '../transactions.ts';
import { appendLoadEvents } from './load-events.ts';
import { isOfActiveTest, lockSlots } from './load-slots.ts';
import { silenceOf } from './shard-silence.ts';

/**
 * The workers' side of shards. Who takes one raises its epoch, and what names an older epoch changes nothing. A lease
 * that is not renewed runs out, and any worker with room takes the shard over. Where a test's row and its shards' are
 * locked in one transaction, the test's comes first.
 */
export type LoadShardRow = typeof loadShards.$inferSelect;

/** The right to run a shard: void as soon as its epoch has moved on, or its test has begun anew. */
export interface ShardLease {
  testId: string;
  /** The job's, for which the shard was placed: a retried test has new shards, and their epochs begin at 0 again. */
  run: number;
  shard: number;
  epoch: number;
}

/** After this without a renewal a shard may be taken over. */
export const shardLeaseMs = 5000;
const lease = sql`clock_timestamp() + ${shardLeaseMs} * interval '1 millisecond'`;
/** From the moment the last shard is ready to the start of all. */
export const startLead = sql`interval '2 seconds'`;

/** The lease alone, of what comes with it. */
export const leaseOf = ({ testId, run, shard, epoch }: ShardLease): ShardLease => ({
  testId,
  run,
  shard,
  epoch,
});

/** Of `load_shards`: the row to which a lease gives the right. */
export const held = ({ testId, run, shard, epoch }: ShardLease): SQL => sql`
  load_test_id = ${testId} and shard = ${shard} and epoch = ${epoch} and status <> 'ended'
  and exists (select from load_tests where id = ${testId} and planned_run = ${run})`;

/** What a worker is told of a shard that it runs. */
export interface ShardOrders extends ShardLease {
  control: LoadTestControl;
  controlVersion: number;
  /** Milliseconds from now to the start of the run, negative after it; null while the start is not set. */
  startInMs: number | null;
  /** Somebody has concluded the test: nothing of it matters any more. */
  finished: boolean;
}

/** A worker that was given up may be back before anybody has taken its shard. */
const backFromLost = sql`case
  when s.status <> 'lost' then s.status
  when exists (select from load_tests where id = s.load_test_id and start_at is null) then 'ready'
  else 'running' end`;

/** Renews leases and gives what is in force; a lease that is missing from the answer is void. */
export async function renewShards(db: Executor, leases: ShardLease[]): Promise<ShardOrders[]> {
  if (leases.length === 0) return [];
  const rows = await db.execute<{ orders: ShardOrders }>(sql`
    with given as (
      select s.load_test_id, s.shard
      from jsonb_to_recordset(${JSON.stringify(leases)}::jsonb) as g("testId" uuid, run int, shard int, epoch int)
      join load_shards s on s.load_test_id = g."testId" and s.shard = g.shard and s.epoch = g.epoch
      join load_tests t on t.id = g."testId" and t.planned_run = g.run
      where s.status <> 'ended'
      order by s.load_test_id, s.shard for no key update of s
    ), renewed as (
      update load_shards s set lease_until = ${lease}, status = ${backFromLost} from given
      where s.load_test_id = given.load_test_id and s.shard = given.shard
      returning s.load_test_id, s.shard, s.epoch
    )
    select jsonb_build_object(
      'testId', t.id, 'run', t.planned_run, 'shard', shard, 'epoch', epoch,
      'control', t.control, 'controlVersion', t.control_version,
      'startInMs', extract(epoch from t.start_at - clock_timestamp()) * 1000,
      'finished', t.finished_at is not null) as orders
    from renewed join load_tests t on t.id = load_test_id`);
  return rows.map(row => row.orders);
}

/** A shard that was taken, with what is to be run. */
export interface TakenShard extends ShardLease {
  config: LoadTestConfig;
  /** Shards of the test. */
  shards: number;
}

export interface TakeOptions {
  workerId: string;
  worker: string;
  /** Shards that this worker runs at once. */
  slots: number;
  /** Whether to look for shards of workers that went silent, too. */
  takeOver: boolean;
}

/** Its own worker does not know of it: the answer to the taking was lost. It would have renewed it long ago. */
const isForgotten = sql`s.lease_until < now() - ${shardLeaseMs} * interval '1 millisecond'`;
const isMine = (workerId: string) => sql`s.worker_id = ${workerId} and s.epoch = 0`;
const isOpen = ({ workerId, takeOver }: TakeOptions) => sql`
  t.finished_at is null and s.status <> 'ended'
  and (${isMine(workerId)} or ${takeOver} and s.lease_until < now() and (s.worker_id <> ${workerId} or ${isForgotten}))`;

/**
 * Takes the shards that were given to this worker and, as far as it has room, those that were lost. Says in the
 * test's log who went on for whom.
 */
export async function takeShards(db: Db, options: TakeOptions): Promise<TakenShard[]> {
  const [open] = await db.execute(sql`
    select 1 from load_shards s join load_tests t on t.id = s.load_test_id where ${isOpen(options)} limit 1`);
  if (open === undefined) return [];
  return db.transaction(async tx => {
    await limitTransaction(tx, shardLeaseMs);
    await lockSlots(tx);
    const taken = await take(tx, options);
    for (const shard of taken) await noteTakeover(tx, shard, options.worker);
    return taken.map(shard => ({ ...leaseOf(shard), config: shard.config, shards: shard.shards }));
  });
}

interface TakenRow extends TakenShard {
  wasStatus: LoadShardRow['status'];
  wasWorker: string;
  mine: boolean;
}

async function take(tx: Executor, options: TakeOptions): Promise<TakenRow[]> {
  const { workerId, worker, slots } = options;
  const rows = await tx.execute<{ taken: TakenRow }>(sql`
    with candidates as (
      select s.load_test_id, s.shard, s.status, s.worker, ${isMine(workerId)} as mine, t.config, t.planned_run
      from load_tests t join load_shards s on s.load_test_id = t.id
      where ${isOpen(options)}
      order by mine desc, s.load_test_id, s.shard
      limit greatest(0, ${slots} - (
        select count(*) from load_shards s
        where s.worker_id = ${workerId} and s.status <> 'ended' and s.epoch > 0 and not ${isForgotten}
          and ${isOfActiveTest}))
      for no key update of t, s skip locked
    ), taken as (
      update load_shards s
      set worker_id = ${workerId}, worker = ${worker}, epoch = s.epoch + 1, status = 'assigned', lease_until = ${lease}
      from candidates c where s.load_test_id = c.load_test_id and s.shard = c.shard
      returning s.load_test_id, s.shard, s.epoch, c.status, c.worker, c.mine, c.config, c.planned_run
    )
    select jsonb_build_object(
      'testId', load_test_id, 'run', planned_run, 'shard', shard, 'epoch', epoch, 'config', config,
      'shards', (select count(*) from load_shards s where s.load_test_id = taken.load_test_id),
      'wasStatus', status, 'wasWorker', worker, 'mine', mine) as taken
    from taken order by load_test_id, shard`);
  return rows.map(row => row.taken);
}

async function noteTakeover(
  tx: Executor,
  { testId, shard, mine, wasStatus, wasWorker }: TakenRow,
  worker: string,
): Promise<void> {
  if (mine) return;
  const message =
    worker === wasWorker ? `${worker} was started again and goes on` : `${worker} goes on for ${wasWorker}`;
  await markDegraded(tx, testId);
  await appendLoadEvents(tx, testId, [
    ...(wasStatus === 'lost' ? [] : [silenceOf(wasWorker, shard)]),
    { type: 'shard_taken_over', shard, message },
  ]);
}

export async function markDegraded(tx: Executor, testId: string): Promise<void> {
  await tx.execute(sql`update load_tests set degraded = true where id = ${testId} and not degraded`);
}

/** Says that a shard can start. The last one of a test sets the start, a moment from now by the database's clock. */
export async function markReady(db: Db, shard: ShardLease): Promise<void> {
  await db.transaction(async tx => {
    await tx.execute(sql`select from load_tests where id = ${shard.testId} for no key update`);
    await tx.execute(
      sql`update load_shards set status = 'ready' where ${held(shard)} and status = 'assigned'`,
    );
    await tx.execute(sql`
      update load_tests set start_at = clock_timestamp() + ${startLead}
      where id = ${shard.testId} and start_at is null and not exists (
        select from load_shards where load_test_id = ${shard.testId} and status in ('assigned', 'lost'))`);
  });
}

export async function markRunning(db: Executor, shard: ShardLease): Promise<void> {
  await db.execute(sql`update load_shards set status = 'running' where ${held(shard)}`);
}

/** A shard has done all it had to do, and written all that it measured. */
export async function endShard(db: Executor, shard: ShardLease): Promise<void> {
  await db.execute(sql`update load_shards set status = 'ended' where ${held(shard)}`);
}

/** Ends a shard whose engine failed: another try would fail too. */
export async function failShard(db: Db, shard: ShardLease, why: string): Promise<void> {
  await db.transaction(async tx => {
    await tx.execute(sql`select from load_tests where id = ${shard.testId} for no key update`);
    const failed = await tx.execute(sql`
      update load_shards set status = 'ended' where ${held(shard)} returning shard`);
    if (failed.length === 0) return;
    await markDegraded(tx, shard.testId);
    const message = `The engine failed: ${why}`;
    await appendLoadEvents(tx, shard.testId, [{ type: 'shard_lost', shard: shard.shard, message }]);
  });
}

/** Gives a shard up, so that another worker takes it at once; `message` says why in the test's log. */
export async function releaseShard(db: Db, shard: ShardLease, message: string): Promise<void> {
  await db.transaction(async tx => {
    await tx.execute(sql`select from load_tests where id = ${shard.testId} for no key update`);
    const released = await tx.execute(sql`
      update load_shards set status = 'lost', lease_until = now() where ${held(shard)} returning shard`);
    if (released.length === 0) return;
    await markDegraded(tx, shard.testId);
    await appendLoadEvents(tx, shard.testId, [{ type: 'shard_lost', shard: shard.shard, message }]);
  });
}

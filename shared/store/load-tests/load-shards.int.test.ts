import { testDatabases } from '../../../test/fixtures/database.ts';
import { insertTest } from '../../../test/fixtures/load-test.ts';
import { newId } from '../../kernel/ids.ts';
import { beat, type WorkerIdentity } from '../workers.ts';
import { readLoadEvents } from './load-events.ts';
import { readRun, restartRun, saveRun } from './load-runs.ts';
import {
  endShard,
  markReady,
  releaseShard,
  renewShards,
  shardLeaseMs,
  type TakenShard,
  takeShards,
} from './load-shards.ts';
import { listShards, markLostShards, startWithReady } from './load-shards-conducted.ts';
import { closeSlots, listFreeSlots, placeShards } from './load-slots.ts';
import { findLoadTest } from './load-tests.ts';
import {
  appendTicks,
  deleteEndedTicks,
  listMeasuredTests,
  readTicks,
  readTicksOfSeconds,
} from './load-ticks.ts';

const databases = testDatabases();
const db = () => databases.platform.db;
// Shards of one test are nothing for the workers of the next.
afterEach(() => databases.platform.sql`update load_tests set finished_at = now()`);

/** A worker with room for `loadSlots` shards. */
async function worker(name: string, loadSlots = 2): Promise<WorkerIdentity> {
  const identity = { id: newId(), name, host: 'here', pid: 1, version: '0', loadSlots };
  await beat(db(), identity, {});
  return identity;
}
const place = (testId: string, workers: WorkerIdentity[]) => {
  const places = workers.map(({ id: workerId, name }) => ({ workerId, worker: name }));
  return placeShards(db(), { testId, places, leaseMs: shardLeaseMs });
};
const placeOn = async (...workers: WorkerIdentity[]) => {
  const { id } = await insertTest(databases);
  await place(id, workers);
  return id;
};
const take = ({ id, name, loadSlots }: WorkerIdentity, takeOver = false) =>
  takeShards(db(), { workerId: id, worker: name, slots: loadSlots, takeOver });
const expire = (testId: string) =>
  databases.platform.sql`
    update load_shards set lease_until = now() - interval '1 second' where load_test_id = ${testId}`;
const eventsOf = async (testId: string) =>
  (await readLoadEvents(db(), { testId, limit: 100 })).map(({ event }) => [event.type, event.message]);

async function first(taken: Promise<TakenShard[]>): Promise<TakenShard> {
  const [shard] = await taken;
  if (shard === undefined) throw new Error('There was no shard to take');
  return shard;
}
const end = (testId: string) =>
  db().transaction(async tx => {
    const { test } = await readRun(tx, testId, { hold: true });
    await saveRun(tx, test, { status: 'aborted' });
  });
const tick = (seq: number) => ({ seq, second: seq, delta: { seq }, events: [], errors: [] });

describe('slots', () => {
  it('are those of living workers, less what they were given', async () => {
    const [full, half, stopped] = [await worker('full', 1), await worker('half', 3), await worker('stopped')];
    await placeOn(full, half);
    await closeSlots(db(), stopped.id);
    const free = await listFreeSlots(db());
    expect(free.map(({ worker, free }) => [worker, free])).toEqual([['half', 2]]);
    await databases.platform.sql`update workers set last_seen_at = now() - interval '1 minute'`;
    expect(await listFreeSlots(db())).toEqual([]);
  });
});

describe('a shard', () => {
  it('is taken by the worker it was given to, once, and started when the last one is ready', async () => {
    const [ada, bob] = [await worker('ada'), await worker('bob')];
    const id = await placeOn(ada, bob);
    const one = await first(take(ada));
    expect(one).toMatchObject({ testId: id, shard: 0, shards: 2, epoch: 1 });
    expect(await take(ada)).toEqual([]);
    await markReady(db(), one);
    expect((await renewShards(db(), [one]))[0]?.startInMs).toBeNull();
    const two = await first(take(bob));
    await markReady(db(), two);
    const [orders] = await renewShards(db(), [two]);
    expect(orders).toMatchObject({ shard: 1, epoch: 1, finished: false, controlVersion: 0 });
    expect(orders?.startInMs).toBeGreaterThan(0);
  });

  it('starts without the others when they are late', async () => {
    const [ada, bob] = [await worker('ada'), await worker('bob')];
    const id = await placeOn(ada, bob);
    expect(await startWithReady(db(), id)).toBe(false);
    await markReady(db(), await first(take(ada)));
    expect(await startWithReady(db(), id)).toBe(true);
  });

  it('of a silent worker is taken over, and what that one writes then changes nothing', async () => {
    const [ada, bob] = [await worker('ada'), await worker('bob')];
    const id = await placeOn(ada);
    const stale = await first(take(ada));
    expect(await appendTicks(db(), stale, [tick(0)])).toBe(true);
    expect(await take(bob, true)).toEqual([]);
    await expire(id);
    expect(await take(bob, false)).toEqual([]);
    const fresh = await first(take(bob, true));
    expect(fresh).toMatchObject({ testId: id, shard: 0, epoch: 2 });
    expect(await appendTicks(db(), stale, [tick(1)])).toBe(false);
    expect(await renewShards(db(), [stale])).toEqual([]);
    await endShard(db(), stale);
    expect((await listShards(db(), id))[0]).toMatchObject({ worker: 'bob', status: 'assigned' });
    expect((await findLoadTest(db(), id))?.degraded).toBe(true);
    expect(await eventsOf(id)).toEqual([
      ['shard_lost', 'ada went silent'],
      ['shard_taken_over', 'bob goes on for ada'],
    ]);
  });

  it('of a worker that was started again is taken over as by another', async () => {
    const [before, after] = [await worker('ada'), await worker('ada')];
    const id = await placeOn(before);
    await first(take(before));
    await expire(id);
    await first(take(after, true));
    expect(await eventsOf(id)).toContainEqual(['shard_taken_over', 'ada was started again and goes on']);
  });

  it('is taken over only where there is room', async () => {
    const [ada, bob] = [await worker('ada'), await worker('bob', 1)];
    const id = await placeOn(ada, ada);
    await take(ada);
    await expire(id);
    expect(await take(bob, true)).toHaveLength(1);
    expect(await take(bob, true)).toHaveLength(0);
  });

  it("that counts as lost is its own worker's again when that one is back first", async () => {
    const ada = await worker('ada');
    const id = await placeOn(ada);
    const lease = await first(take(ada));
    await expire(id);
    await markLostShards(db(), id);
    expect((await listShards(db(), id))[0]?.status).toBe('lost');
    expect(await renewShards(db(), [lease])).toHaveLength(1);
    expect((await listShards(db(), id))[0]?.status).toBe('ready');
  });

  it('of a worker that stops is there for the next one at once', async () => {
    const [ada, bob] = [await worker('ada'), await worker('bob')];
    const id = await placeOn(ada);
    await releaseShard(db(), await first(take(ada)), 'ada stops');
    expect(await first(take(bob, true))).toMatchObject({ testId: id, epoch: 2 });
    expect((await eventsOf(id)).map(([type]) => type)).toEqual(['shard_lost', 'shard_taken_over']);
  });
});

it('a test that ends takes its shards back: their slots are free, and nothing is written any more', async () => {
  const ada = await worker('the last one', 1);
  const id = await placeOn(ada);
  const lease = await first(take(ada));
  await appendTicks(db(), lease, [tick(0)]);
  const hasRoom = async () => (await listFreeSlots(db())).some(({ workerId }) => workerId === ada.id);
  expect(await hasRoom()).toBe(false);
  await end(id);
  expect(await hasRoom()).toBe(true);
  await placeOn(ada);
  expect(await take(ada)).toHaveLength(1);
  expect(await renewShards(db(), [lease])).toEqual([]);
  expect(await appendTicks(db(), lease, [tick(1)])).toBe(false);
  expect((await listShards(db(), id)).map(({ status }) => status)).toEqual(['lost']);
});

it('the ticks of a test that has ended are deleted after its end, so many at a time; those of others stay', async () => {
  const [ended, running] = [(await insertTest(databases)).id, (await insertTest(databases)).id];
  for (const testId of [ended, running])
    await databases.platform.sql`
      insert into load_ticks (load_test_id, shard, epoch, seq, second, delta)
      select ${testId}, 0, 1, n, n, '{}' from generate_series(0, 10000) n`;
  const count = async (testId: string) =>
    (await databases.platform.sql`select 1 from load_ticks where load_test_id = ${testId}`).length;
  const sweep = () => deleteEndedTicks(db(), [ended, running]);
  await end(ended);
  expect(await count(ended)).toBe(10_001);
  expect(await sweep()).toBe(true);
  expect(await count(ended)).toBe(1);
  expect(await sweep()).toBe(false);
  const measured = await listMeasuredTests(db());
  expect([ended, running].map(id => measured.includes(id))).toEqual([false, true]);
  expect(await count(running)).toBe(10_001);
});

it('a test that is retried has nothing to do with the leases of its earlier run, though shard and epoch are the same', async () => {
  const [ada, bob] = [await worker('ada'), await worker('bob')];
  const id = await placeOn(ada);
  const stale = await first(take(ada));
  await end(id);
  await db().transaction(async tx => restartRun(tx, (await readRun(tx, id, { hold: true })).test, 1));
  await place(id, [bob]);
  const fresh = await first(take(bob));
  expect(fresh).toMatchObject({ shard: stale.shard, epoch: stale.epoch, run: 1 });
  expect(await renewShards(db(), [stale])).toEqual([]);
  expect(await appendTicks(db(), stale, [tick(0)])).toBe(false);
  await releaseShard(db(), stale, 'ada stops');
  expect(await renewShards(db(), [fresh])).toMatchObject([{ run: 1 }]);
  expect(await appendTicks(db(), fresh, [tick(0)])).toBe(true);
  expect((await listShards(db(), id))[0]).toMatchObject({ worker: 'bob', status: 'assigned' });
});

it('ticks are written once, and read on from where a reader was', async () => {
  const [ada, bob] = [await worker('ada'), await worker('bob')];
  const id = await placeOn(ada);
  const lease = await first(take(ada));
  const noted = { ...tick(1), events: [{ type: 'breaker_opened' as const, message: 'open', shard: 0 }] };
  await appendTicks(db(), lease, [tick(0), noted]);
  await appendTicks(db(), lease, [tick(0), noted, tick(2)]);
  expect(await eventsOf(id)).toEqual([['breaker_opened', 'open']]);
  await expire(id);
  await appendTicks(db(), await first(take(bob, true)), [tick(0)]);
  const from = (epoch: number, seq: number, limit = 10) =>
    readTicks(db(), { testId: id, cursors: [{ shard: 0, epoch, seq }], limit });
  const positions = (ticks: Awaited<ReturnType<typeof from>>) => ticks.map(({ epoch, seq }) => [epoch, seq]);
  expect(positions(await from(0, -1))).toEqual([
    [1, 0],
    [1, 1],
    [1, 2],
    [2, 0],
  ]);
  expect(positions(await from(1, 1, 1))).toEqual([[1, 2]]);
  expect(await from(2, 0)).toEqual([]);
  expect(await readTicksOfSeconds(db(), id, [0, 2])).toHaveLength(3);
});

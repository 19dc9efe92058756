import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import pino from 'pino';
import { parseAllowlist } from '../../../../../shared/kernel/allowlist.ts';
import { newId } from '../../../../../shared/kernel/ids.ts';
import { sleep, waitFor } from '../../../../../shared/kernel/time.ts';
import { createLoginClient } from '../../../../../shared/platform/target/login-client.ts';
import { readLoadEvents } from '../../../../../shared/store/load-tests/load-events.ts';
import { renewShards, shardLeaseMs, takeShards } from '../../../../../shared/store/load-tests/load-shards.ts';
import { listShards } from '../../../../../shared/store/load-tests/load-shards-conducted.ts';
import { placeShards } from '../../../../../shared/store/load-tests/load-slots.ts';
import { findLoadTest } from '../../../../../shared/store/load-tests/load-tests.ts';
import { readTicks } from '../../../../../shared/store/load-tests/load-ticks.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';
import {
  insertTest,
  type LoggingTarget,
  startLoggingTarget,
} from '../../../../../test/fixtures/load-test.ts';
import { testVault } from '../../../../../test/fixtures/vault.ts';
import { testSendJournals } from '../../../../../test/fixtures/worker.ts';
import { deltaOf } from '../stored-delta.ts';
import { type Shard, startShard } from './shard.ts';

/** A shard without its worker, which is told here what its worker would tell it of Postgres. */
const databases = testDatabases();
const db = () => databases.platform.db;
const loginClient = createLoginClient({ ...parseAllowlist(['localhost']), connections: 1 });
const logged: { msg: string; reason: string }[] = [];
const logger = pino({ level: 'warn' }, { write: line => logged.push(JSON.parse(line)) });
let target: LoggingTarget;
beforeAll(async () => {
  target = await startLoggingTarget();
});
// The shard of one test is nothing for the workers of the next.
afterEach(() => databases.platform.sql`update load_tests set finished_at = now()`);
afterAll(async () => {
  await loginClient.stop();
  await target.stop();
});

/** Takes the only shard of a test, and lets it run until requests arrive. */
async function runShard(): Promise<Shard> {
  const { id } = await insertTest(databases, { target_url: target.origin, duration_seconds: 60 });
  const me = { workerId: newId(), worker: 'ada' };
  await placeShards(db(), { testId: id, places: [me], leaseMs: shardLeaseMs });
  const [taken] = await takeShards(db(), { ...me, slots: 1, takeOver: false });
  if (taken === undefined) throw new Error('There was no shard to take');
  const limits = { allowlist: ['localhost'], maxConnections: 10 };
  const shard = startShard(
    {
      db: db(),
      worker: 'ada',
      sendJournals: testSendJournals,
      limits,
      logger,
      vault: testVault,
      loginClient,
    },
    taken,
  );
  await waitFor('requests', async () => {
    await follow(shard);
    return target.seen(id).length > 0;
  });
  return shard;
}

/** What a round of the worker does: a sign of life from Postgres. */
async function follow(shard: Shard): Promise<void> {
  const askedAt = performance.now();
  const [orders] = await renewShards(db(), [shard.lease]);
  if (orders !== undefined) shard.follow(orders, askedAt);
}

const eventsOf = async (testId: string) =>
  (await readLoadEvents(db(), { testId, limit: 100 })).map(({ event }) => event);
const deltasOf = async (testId: string) => {
  const cursors = [{ shard: 0, epoch: 0, seq: -1 }];
  return (await readTicks(db(), { testId, cursors, limit: 1000 })).map(({ delta }) => deltaOf(delta));
};

/** Resolves as soon as the last tick is such a one. */
const untilDelta = (
  testId: string,
  what: string,
  is: (last: { started: number; cutOff: boolean }) => boolean,
) =>
  waitFor(what, async () => {
    const last = (await deltasOf(testId)).at(-1);
    return last !== undefined && is({ started: last.started, cutOff: last.cutOff === true });
  });

describe('a shard that is cut off from Postgres', () => {
  it('sends nothing, says from when to when, and leaves the run degraded', async () => {
    const shard = await runShard();
    const { testId } = shard.lease;
    shard.cutOff(4600);
    await untilDelta(testId, 'a second without a request', ({ started, cutOff }) => started === 0 && cutOff);
    await follow(shard);
    await untilDelta(testId, 'requests again', ({ started, cutOff }) => started > 0 && !cutOff);

    expect((await eventsOf(testId)).map(({ type, shard: of, message }) => [type, of, message])).toEqual([
      ['shard_cut_off', 0, 'Out of touch with Postgres for 4.6 s: no requests until it is heard of again'],
      [
        'shard_back',
        0,
        expect.stringMatching(/^Postgres is heard of again after \d+\.\d s: the load goes on$/),
      ],
    ]);
    expect((await findLoadTest(db(), testId))?.degraded).toBe(true);
    shard.drop();
    await shard.done;
  });

  it('sends nothing once its lease may have run out, though nobody tells it to', async () => {
    const shard = await runShard();
    const { testId } = shard.lease;
    await sleep(shardLeaseMs - 500);
    const atEndOfLease = target.seen(testId).length;
    await sleep(300); // nothing is to happen, and there is no event for that
    expect(target.seen(testId)).toHaveLength(atEndOfLease);
    await follow(shard);
    await waitFor('requests again', () => target.seen(testId).length > atEndOfLease);
    shard.drop();
    await shard.done;
  });

  it('hands over what is left of it, when that takes too long', async () => {
    const shard = await runShard();
    const { testId } = shard.lease;
    shard.cutOff(4600);
    await untilDelta(testId, 'a second without a request', ({ started, cutOff }) => started === 0 && cutOff);
    shard.cutOff(60_001);
    await shard.done;
    expect((await listShards(db(), testId)).map(({ status }) => status)).toEqual(['lost']);
    expect((await eventsOf(testId)).map(({ type }) => type)).toEqual(['shard_cut_off', 'shard_lost']);
    const written = (await deltasOf(testId)).reduce((sum, of) => sum + (of.endpoints.home?.requests ?? 0), 0);
    expect(written).toBeGreaterThan(0);

    const next = { workerId: newId(), worker: 'bob', slots: 1, takeOver: true };
    const taken = await takeShards(db(), next);
    expect(taken).toMatchObject([{ testId, epoch: 2 }]);
  });
});

/** The open file of this process at a path that ends so. */
const openFile = (end: string): number =>
  Number(readdirSync('/proc/self/fd').find(fd => linkOf(fd).endsWith(end)));

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // that of the folder itself, which is closed by now
  }
}

it('a shard whose file of requests cannot be closed ends as any other, and says so', async () => {
  const shard = await runShard();
  shard.drop();
  closeSync(openFile(`${shard.lease.testId}/${shard.lease.run}.0.1`));
  await shard.done;
  expect(logged.at(-1)).toMatchObject({
    msg: 'requests of a shard are not counted in a file',
    reason: expect.stringMatching(/EBADF.*close$/),
  });
});

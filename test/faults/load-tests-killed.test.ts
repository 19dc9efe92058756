import { accountLeases } from '../../drizzle/platform/schema/accounts.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { listShards } from '../../shared/store/load-tests/load-shards-conducted.ts';
import { countAliveWorkers } from '../../shared/store/workers.ts';
import { insertAccounts } from '../fixtures/accounts.ts';
import { testDatabases } from '../fixtures/database.ts';
import { type LoggingTarget, startLoggingTarget, untilTest } from '../fixtures/load-test.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { beginRun, expectTruth, inspectRun, untilRequests } from './load-run.ts';

const databases = testDatabases();
const stack = testStack({
  databases,
  store: () => postgresStore(databases),
  settings: shortLocks,
  workers: 3,
});
let target: LoggingTarget;
beforeAll(async () => {
  target = await startLoggingTarget();
});
afterAll(() => target.stop());

it('a run goes on when the workers of its conductor and of a shard are killed', async () => {
  const batchId = newId();
  const usernames = Array.from({ length: 8 }, (_, index) => `user${index}`);
  await insertAccounts(databases, { usernames, batchId });
  const run = await beginRun(stack, target, { seconds: 12, workers: 3, batchId });
  await untilRequests(stack, run, 100);
  const conducting = await stack.workerOf(run);
  const [other] = stack.workers.filter(worker => worker !== conducting);
  const victims = [conducting, ...(other === undefined ? [] : [other])];
  await Promise.all(victims.map(worker => stack.killWorker(worker)));
  await stack.startWorker();

  const found = await inspectRun(stack, run, target);
  expectTruth(found);
  expect(found.test).toMatchObject({ status: 'succeeded', degraded: true, reason: null });
  expect(found.shards.map(({ status }) => status)).toEqual(['ended', 'ended', 'ended']);
  expect(found.shards.map(({ epoch }) => epoch).toSorted()).toEqual([1, 2, 2]);
  const lost = found.events.filter(type => type === 'shard_lost').length;
  const takenOver = found.events.filter(type => type === 'shard_taken_over').length;
  expect([lost, takenOver]).toEqual([2, 2]);
  // Shards that were taken over took their accounts along; the run has given all of them back.
  expect([...found.shardsOfAccounts.keys()].toSorted()).toEqual(usernames);
  expect([...found.shardsOfAccounts.values()].map(({ size }) => size)).toEqual(usernames.map(() => 1));
  expect(await databases.platform.db.$count(accountLeases)).toBe(0);
  await expect(stack.untilEnded(run)).resolves.toMatchObject({
    status: 'partially_succeeded',
  });
});

it('a worker that is frozen for longer than its lease changes nothing when it goes on', async () => {
  const run = await beginRun(stack, target, { seconds: 12, workers: 3 });
  await untilRequests(stack, run, 100);
  const conducting = await stack.workerOf(run);
  const frozen = stack.workers.find(worker => worker !== conducting);
  const before = await listShards(databases.platform.db, run.id); // on two workers: one has two of them
  frozen?.signal('SIGSTOP');
  const found = await inspectRun(stack, run, target);
  expectTruth(found);
  const { test, shards, inTimeline } = found;
  frozen?.signal('SIGCONT');
  expect(test).toMatchObject({ status: 'succeeded', degraded: true });
  expect(shards.map(({ epoch }) => epoch)).toEqual(
    before.map(({ worker }) => (worker === frozen?.name ? 2 : 1)),
  );

  await waitFor(
    'the worker to be heard of again',
    async () => (await countAliveWorkers(databases.platform.db)) === 2,
  );
  const next = await beginRun(stack, target, { seconds: 2, workers: 3 }); // that worker takes part again
  const after = await inspectRun(stack, next, target);
  expectTruth(after);
  expect(after.shards.map(({ worker }) => worker)).toContain(frozen?.name);
  const again = await inspectRun(stack, run, target);
  const sentSince = again.shards.map(({ seen }, index) => seen - (shards[index]?.seen ?? 0));
  for (const sent of sentSince) expect(sent).toBeLessThanOrEqual(1); // frozen on its way to the socket
  expect([again.test, again.inTimeline]).toEqual([test, inTimeline]);
});

it('a run goes on with new workers when all of its own are killed', async () => {
  const run = await beginRun(stack, target, { seconds: 20, workers: 2 });
  await untilRequests(stack, run, 100);
  await Promise.all(stack.workers.map(worker => stack.killWorker(worker)));
  await stack.startWorker();
  await untilTest(
    databases,
    run.id,
    'taken over',
    ({ finishedAt, degraded }) => degraded || finishedAt !== null,
  );

  const found = await inspectRun(stack, run, target);
  expectTruth(found);
  expect(found.test).toMatchObject({ status: 'succeeded', degraded: true });
  expect(found.shards.map(({ epoch, status }) => [epoch, status])).toEqual([
    [2, 'ended'],
    [2, 'ended'],
  ]);
});

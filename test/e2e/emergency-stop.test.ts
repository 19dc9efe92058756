import {
  createLoadTestOperation,
  emergencyStopOperation,
  getLoadTestOperation,
} from '../../shared/http/load-tests.ts';
import { sleep } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { type LoggingTarget, startLoggingTarget, untilTest, untilTestEnded } from '../fixtures/load-test.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { testStack } from '../fixtures/stack.ts';

const databases = testDatabases();
const stack = testStack({
  databases,
  store: () => postgresStore(databases),
  workers: 3,
  settings: { LOAD_SLOTS: '3' },
});
let target: LoggingTarget;
beforeAll(async () => {
  target = await startLoggingTarget();
});
afterAll(() => target.stop());

/** A run over the three workers, under way. */
async function begin(): Promise<string> {
  const body = {
    target_url: target.origin,
    concurrent_users: 6,
    duration: '60s',
    request_interval_min: 0.02,
    request_interval_max: 0.05,
    endpoints: [{ name: 'home', url: '/' }],
  };
  const { id } = await stack.client.submit(createLoadTestOperation, { body });
  await untilTest(databases, id, 'running', ({ metrics }) => (metrics?.http_reqs.count ?? 0) > 0);
  return id;
}

it('an emergency stop is followed by all workers before it is answered, as the target sees it', async () => {
  const ids = await Promise.all([begin(), begin(), begin()]);
  const shards = await Promise.all(
    ids.map(async id => (await stack.client.read(getLoadTestOperation, { params: { id } })).shards),
  );
  expect(shards.map(of => new Set(of.map(({ worker }) => worker)).size)).toEqual([3, 3, 3]);

  const { stopped, unconfirmed } = await stack.client.read(emergencyStopOperation);
  const answeredAt = performance.now();
  expect(stopped).toEqual(ids.toSorted());
  expect(unconfirmed).toEqual([]);
  await Promise.all(ids.map(id => untilTestEnded(databases, id)));
  await sleep(Math.max(0, answeredAt + 1500 - performance.now())); // nothing is to happen: there is no event for that
  for (const id of ids) {
    expect(target.seen(id).length).toBeGreaterThan(0);
    expect(target.seen(id).filter(({ at }) => at > answeredAt + 1000)).toEqual([]);
  }
}, 60_000);

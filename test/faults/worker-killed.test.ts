import { bulkLoginOperation } from '../../shared/http/account-sessions.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { describeEachBackend } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { inspect, rounds, untilMiddle, whole } from './batch.ts';
import { type CountingLogins, countingLogins, insertPool } from './counting-logins.ts';
import { slowDown } from './slow-application.ts';

const databases = testDatabases();
beforeAll(() => slowDown(databases.application.sql, 'insert', 40));

const settings = { ...shortLocks, TARGET_ALLOWLIST: '127.0.0.1' };
let shop: CountingLogins;
beforeAll(async () => {
  shop = await countingLogins();
});
afterAll(() => shop.stop());

describeEachBackend(databases, store => {
  const stack = testStack({ databases, store: () => store, settings });

  test.each(rounds())(
    'a batch is whole after its worker was killed in the middle (round %i)',
    async round => {
      const batch = await stack.submit(20_000, { batch_size: 250 });
      await untilMiddle(stack, batch);
      const conducting = await stack.workerOf(batch);
      const others = stack.workers.filter(worker => worker !== conducting);
      const [victim = conducting] = round % 2 === 1 ? [conducting] : others;
      await stack.killWorker(victim);
      await stack.startWorker();
      await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 20_000, 250));
    },
  );

  it('a bulk login loses no account when its worker is killed, and logs nobody in twice at once', async () => {
    const count = 200;
    const batch_id = await insertPool(databases, count);
    const body = { batch_id, target_url: shop.origin, concurrency: 10 };
    shop.times.clear();
    const { id: jobId } = await stack.client.submit(bulkLoginOperation, { body });
    await waitFor('some logins', async () => shop.times.size > 40, { timeoutMs: 30_000, intervalMs: 5 });
    await stack.killWorker(await stack.workerOf({ jobId }));
    await stack.startWorker();
    const job = await stack.untilEnded({ jobId });
    expect(job).toMatchObject({ status: 'succeeded', result: { attempted: count, logged_in: count } });
    expect(shop.times.size).toBe(count);
    expect(shop.twiceAtOnce).toEqual([]);
    // At most what the dead worker had in hand: two chunks of 25.
    expect([...shop.times.values()].filter(times => times > 1).length).toBeLessThanOrEqual(50);
    const [row] = await databases.platform.sql`
      select count(*)::int as sessions from account_sessions where origin = ${shop.origin} and state = 'active'
      and account_id in (select id from accounts where test_batch_id = ${batch_id})`;
    expect(row?.sessions).toBe(count);
  });
});

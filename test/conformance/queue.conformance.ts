import { prepareQueueStore } from '../../shared/platform/queue/backend.ts';
import type { TestDatabases } from '../fixtures/database.ts';
import { describeDelivery } from './delivery.conformance.ts';
import { describeEnding } from './ending.conformance.ts';
import { describeRecovery } from './recovery.conformance.ts';
import { describeSchedule } from './schedule.conformance.ts';
import { type Store, workbench } from './workbench.ts';

/** What a queue backend owes to Muster. Run on each; what holds on one only is no part of the contract. */
export function describeQueue(databases: TestDatabases, store: Store): void {
  const bench = workbench(store);
  beforeAll(async () => {
    await databases.platform.sql`create table cancelled_tasks (id text primary key)`;
  });
  const cancel = async (jobId: string) => {
    await databases.platform.sql`insert into cancelled_tasks (id) values (${jobId})`;
  };

  describe('delivery', () => describeDelivery(bench));
  describe('ending', () => describeEnding(bench, cancel));
  describe('recovery', () => describeRecovery(bench, store));
  describe('schedule', () => describeSchedule(bench, store));

  test('any number of processes may prepare the store at once', async () => {
    const { redisUrl, databaseUrl } = store;
    const prefix = `${store.prefix}_prepared`;
    const prepared = Array.from({ length: 5 }, () => prepareQueueStore({ redisUrl, databaseUrl, prefix }));
    await expect(Promise.all(prepared)).resolves.toHaveLength(5);
    const { client, contract } = await bench.queue({}, { redisUrl, databaseUrl, prefix });
    await expect(client.state(contract, 'nothing')).resolves.toBe('missing');
  });
}

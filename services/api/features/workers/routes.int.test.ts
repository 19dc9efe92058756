import { newId } from '../../../../shared/kernel/ids.ts';
import { beat } from '../../../../shared/store/workers.ts';
import { testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';

const databases = testDatabases();
const api = testApi(databases);

it('a worker is shown with the fields of its schema and no others', async () => {
  const identity = { id: newId(), name: 'w1', host: 'here', pid: 7, version: '0.1.0' };
  const queues = { 'load-tests.shard': { concurrency: 3, active: 1, completed: 2, failed: 0 } };
  await beat(databases.platform.db, { ...identity, loadSlots: 3 }, queues);
  expect(await (await api.call('GET', '/api/workers')).json()).toEqual({
    items: [
      {
        ...identity,
        status: 'alive',
        load_slots: 3,
        queues,
        started_at: expect.any(String),
        last_seen_at: expect.any(String),
      },
    ],
  });
});

import pino from 'pino';
import { openQueueBackend } from '../../shared/platform/queue/backend.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { describeQueue } from './queue.conformance.ts';

const databases = testDatabases();
const store = postgresStore(databases);

async function truncate(): Promise<void> {
  const { sql } = databases.platform;
  await sql`truncate ${sql(store.prefix)}.job, ${sql(store.prefix)}.scheduler cascade`;
}

describe('on Postgres', () => {
  describeQueue(databases, { ...store, wipe: truncate });

  test('a database without the queue’s schema is refused, with what to do', async () => {
    const logger = pino({ level: 'silent' });
    const opened = openQueueBackend({ ...store, prefix: 'not_there', name: 'test', logger });
    await expect(opened).rejects.toMatchObject({
      code: 'dependency_unavailable',
      hint: expect.stringMatching(/migrate/),
    });
  });
});

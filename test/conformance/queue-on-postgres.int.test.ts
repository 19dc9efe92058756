import pino from 'pino';
import { openQueueBackend } from '../../shared/platform/queue/backend.ts';
import { testDatabases } from '../fixtures/database.ts';
import { queueSchema } from '../servers/templates.ts';
import { describeQueue } from './queue.conformance.ts';

const databases = testDatabases();

describeQueue(databases, () => ({
  databaseUrl: databases.platformUrl,
  prefix: queueSchema,
  wipe: async () => {
    await databases.platform.sql`truncate ${databases.platform.sql(queueSchema)}.job cascade`;
  },
}));

test('a database without the queue\u2019s schema is refused, with what to do', async () => {
  const opened = openQueueBackend({
    databaseUrl: databases.platformUrl,
    prefix: 'not_there',
    name: 'test',
    logger: pino({ level: 'silent' }),
  });
  await expect(opened).rejects.toMatchObject({
    code: 'dependency_unavailable',
    hint: expect.stringMatching(/migrate/),
  });
});

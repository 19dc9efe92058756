import { join } from 'node:path';
import postgres from 'postgres';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../shared/platform/embedded-postgres/embedded-postgres.ts';
import { createDatabaseIfMissing, migrateDatabase } from '../../shared/platform/postgres/migrate.ts';
import { openTestDataRole, testDataUrl } from '../../shared/platform/postgres/test-data-role.ts';
import { prepareQueueStore } from '../../shared/platform/queue/backend.ts';
import { queueSchema, templates, testDataPassword } from './templates.ts';

/** Nothing here has to survive a power cut, and many test files connect at once. */
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' };

/** A server with its data in the run's folder, and its templates. */
export async function startTestPostgres(runFolder: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: join(runFolder, 'postgres'), settings });
  await Promise.all([makeTemplate(server, 'platform'), makeTemplate(server, 'application')]);
  return server;
}

async function makeTemplate(server: EmbeddedPostgres, kind: keyof typeof templates): Promise<void> {
  const name = templates[kind];
  await createDatabaseIfMissing(server.url(), name);
  await migrateDatabase(server.url(name), join(import.meta.dirname, `../../drizzle/${kind}/migrations`));
  if (kind === 'platform') await prepareQueueStore({ databaseUrl: server.url(name), prefix: queueSchema });
  else await openTestDataRole(server.url(name), testDataUrl(server.url(name), testDataPassword));
  const admin = postgres(server.url(), { max: 1 });
  await admin`alter database ${admin(name)} with allow_connections false`; // a connection would block the copying
  await admin.end();
}

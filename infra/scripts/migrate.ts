/**
 * `npm run migrate`: brings the two databases, and the queue's own tables where the queue is in Postgres, to this
 * version. Safe to run at any time, by several machines at once. The databases themselves must exist. Ends with 78 when the
 * configuration is at fault, with 1 when anything else is.
 */
import { fileURLToPath } from 'node:url';
import { isAppError, messageOf } from '../../shared/kernel/errors.ts';
import { type Config, loadConfig, required } from '../../shared/platform/config.ts';
import { openDatabase } from '../../shared/platform/postgres/db.ts';
import { migrateDatabase } from '../../shared/platform/postgres/migrate.ts';
import { assertMigratable } from '../../shared/platform/postgres/own-database.ts';
import { openTestDataRole } from '../../shared/platform/postgres/test-data-role.ts';
import { prepareQueueStore } from '../../shared/platform/queue/backend.ts';
import { exitCodeOf } from '../../shared/platform/run-service.ts';

const migrations = (database: 'platform' | 'application'): string =>
  fileURLToPath(new URL(`../../drizzle/${database}/migrations`, import.meta.url));

async function main(): Promise<void> {
  const config = loadConfig();
  const databaseUrl = required(config, 'DATABASE_URL');
  await migrateDatabase(databaseUrl, migrations('platform'));
  console.log('The platform database (DATABASE_URL) is up to date.');
  const applicationUrl = required(config, 'APP_DATABASE_URL');
  if (config.USER_DIRECTORY === undefined) await migrateApplication(config, applicationUrl);
  else
    console.log('The application database (APP_DATABASE_URL) is another application’s: docs/bulk-users.md.');
  const advice = await prepareQueueStore({
    redisUrl: config.REDIS_URL,
    databaseUrl,
    prefix: config.QUEUE_PREFIX,
  });
  for (const sentence of advice) console.warn(sentence);
  console.log('The queue is ready.');
}

async function migrateApplication(
  { TEST_DATA_DATABASE_URL: testDataUrl }: Config,
  url: string,
): Promise<void> {
  await refuseForeignDatabase(url);
  await migrateDatabase(url, migrations('application'));
  if (testDataUrl !== undefined) await openTestDataRole(url, testDataUrl);
  console.log('The application database (APP_DATABASE_URL) is up to date.');
}

/** Without USER_DIRECTORY, the address of another application's database is a mistake. */
async function refuseForeignDatabase(url: string): Promise<void> {
  const { db, stop } = openDatabase(url, { name: 'muster migrate', maxConnections: 1 });
  await assertMigratable(db).finally(stop);
}

await main().catch((error: unknown) => {
  console.error(`Migration failed: ${messageOf(error)}`);
  if (isAppError(error) && error.hint !== undefined) console.error(error.hint);
  process.exitCode = exitCodeOf(error);
});

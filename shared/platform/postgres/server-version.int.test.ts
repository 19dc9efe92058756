import { testDatabases } from '../../../test/fixtures/database.ts';
import { exitCodeOf, misconfigured } from '../run-service.ts';
import { assertServerVersion, oldestServers } from './server-version.ts';

const databases = testDatabases();

it('a server that is new enough for Muster passes', async () => {
  await assertServerVersion(databases.platform.db, oldestServers.own);
  await assertServerVersion(databases.application.db, oldestServers.anotherApplication);
});

it('an older one is refused by its name and version, as a fault of the configuration', async () => {
  const [server] = await databases.platform.sql`
    select current_database() as name, current_setting('server_version') as version`;
  const refused = await assertServerVersion(databases.platform.db, 1000).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: 'validation_failed',
    message: `The server of the database "${server?.name}" is PostgreSQL ${server?.version}, which is too old: it must be 1000 or newer`,
  });
  expect(exitCodeOf(refused)).toBe(misconfigured);
});

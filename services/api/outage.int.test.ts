import { health } from '../../shared/http/system.ts';
import { bodyOf, problemOf, testApi } from '../../test/fixtures/api.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { startTcpRelay, type TcpRelay } from '../../test/fixtures/tcp-relay.ts';

const databases = testDatabases();
let relay: TcpRelay;

beforeAll(async () => {
  relay = await startTcpRelay(databases.platformUrl);
});
const api = testApi({
  applicationUrl: databases.applicationUrl,
  get platformUrl() {
    return relay.url;
  },
});
afterAll(() => relay.stop());

it('answers 503 problems while Postgres is away, and works again when it is back', async () => {
  expect((await api.call('GET', '/api/jobs')).status).toBe(200);
  await relay.cut();

  const refused = await api.call('GET', '/api/jobs');
  expect(refused.status).toBe(503);
  expect(await problemOf(refused)).toMatchObject({ code: 'dependency_unavailable' });
  expect(refused.headers.get('retry-after')).toBe('2');
  const asked = await api.call('GET', '/api/health');
  expect(asked.status).toBe(503);
  expect(await bodyOf(asked, health)).toMatchObject({
    status: 'down',
    checks: {
      postgres: { status: 'down' },
      application_database: { status: 'ok' },
      queue: { status: 'down' },
    },
  });
  expect((await api.call('GET', '/metrics')).status).toBe(200);

  await relay.mend();
  expect((await api.call('GET', '/api/jobs')).status).toBe(200);
});

import { createApiKey } from '../../../shared/store/access/api-keys.ts';
import { problemOf, testApi } from '../../../test/fixtures/api.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';

const databases = testDatabases();
const settings = { RATE_LIMIT_PER_MINUTE: '5' };
const api = testApi(databases, settings);
const replica = testApi(databases, { ...settings, MUSTER_API_KEY: api.key });

const profile = (from: typeof api) => from.call('GET', '/api/user/profile', { key: api.key });

it('is counted over all api processes, and answered 429 with the seconds to wait', async () => {
  for (let calls = 0; calls < 5; calls += 1) {
    expect((await profile(calls % 2 === 0 ? api : replica)).status).toBe(200);
  }
  for (const from of [api, replica]) {
    const response = await profile(from);
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await problemOf(response)).code).toBe('rate_limited');
  }
  expect((await api.call('GET', '/api/health')).status).toBe(200);
});

it('counts callers without a key by address, those with one by key', async () => {
  for (let calls = 0; calls < 5; calls += 1)
    await api.call('GET', '/api/user/profile', { key: `wrong-${calls}` });
  expect((await api.call('GET', '/api/user/profile', { key: null })).status).toBe(429);
});

it('lets requests pass while its store cannot be used', async () => {
  const { platform } = databases;
  const { token } = await createApiKey(platform.db, { name: 'x', role: 'viewer', createdBy: 'test' });
  await platform.sql`alter table rate_limits rename to rate_limits_away`;
  for (let calls = 0; calls < 10; calls += 1) {
    expect((await api.call('GET', '/api/user/profile', { key: token })).status).toBe(200);
  }
});

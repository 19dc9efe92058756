import { createApiKey } from '../../../shared/store/access/api-keys.ts';
import { problemOf, testApi } from '../../../test/fixtures/api.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';

const databases = testDatabases();
const settings = { RATE_LIMIT_PER_MINUTE: '5', TRUST_PROXY: '1' };
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

it('counts the addresses of an IPv6 network of 64 bits as one, and IPv4 each by itself', async () => {
  const from = async (address: string) => {
    const headers = { 'X-Forwarded-For': address };
    return (await api.call('GET', '/api/user/profile', { key: null, headers })).status;
  };
  const network = [
    '2001:db8:0:7::1',
    '2001:db8::7:a:b:c:d',
    '2001:0db8:0:7::1.2.3.4',
    '2001:db8:0:7::',
    '2001:db8:0:7::2',
  ];
  for (const address of network) expect(await from(address)).toBe(401);
  expect([await from('2001:db8:0:7::99'), await from('2001:DB8::7:0:0:0:1')]).toEqual([429, 429]);
  expect([await from('2001:db8:0:8::1'), await from('2001:db8::')]).toEqual([401, 401]);
  for (const last of [1, 2, 3, 4, 5, 6]) expect(await from(`::ffff:192.0.2.${last}`)).toBe(401);
  for (let calls = 0; calls < 4; calls += 1) await from('192.0.2.1');
  expect([await from('::ffff:192.0.2.1'), await from('192.0.2.1')]).toEqual([429, 429]);
});

it('lets requests pass while its store cannot be used', async () => {
  const { platform } = databases;
  const { token } = await createApiKey(platform.db, { name: 'x', role: 'viewer', createdBy: 'test' });
  await platform.sql`alter table rate_limits rename to rate_limits_away`;
  for (let calls = 0; calls < 10; calls += 1) {
    expect((await api.call('GET', '/api/user/profile', { key: token })).status).toBe(200);
  }
});

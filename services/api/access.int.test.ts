import { newApiKey, profile } from '../../shared/http/api-keys.ts';
import { createLifecycle } from '../../shared/kernel/lifecycle.ts';
import { loadConfig } from '../../shared/platform/config.ts';
import { createLogger } from '../../shared/platform/log.ts';
import { createFirstKey } from '../../shared/store/access/api-keys.ts';
import { bodyOf, problemOf, testApi } from '../../test/fixtures/api.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { startApi } from './server.ts';

const databases = testDatabases();
const api = testApi(databases, { LOGIN_ATTEMPTS_PER_MINUTE: '5' });

async function keyFor(role: string) {
  const response = await api.call('POST', '/api/api-keys', { json: { name: `a ${role}`, role } });
  expect(response.status).toBe(201);
  return bodyOf(response, newApiKey);
}

const ownProfile = async (key = api.key) =>
  bodyOf(await api.call('GET', '/api/user/profile', { key }), profile);

describe('an API key', () => {
  it('is required: without one, or with a wrong one, the answer is 401', async () => {
    for (const key of [null, 'wrong', 'muster_wrong']) {
      const response = await api.call('GET', '/api/user/profile', { key });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="muster"');
      expect((await problemOf(response)).code).toBe('unauthenticated');
    }
  });

  it('is taken as X-API-Key and as a bearer token', async () => {
    const byHeader = await api.call('GET', '/api/user/profile');
    const headers = { Authorization: `Bearer ${api.key}` };
    const byBearer = await api.call('GET', '/api/user/profile', { key: null, headers });
    const expected = { key_id: expect.any(String), name: 'MUSTER_API_KEY', role: 'admin' };
    expect(await byHeader.json()).toEqual(expected);
    expect(await byBearer.json()).toEqual(expected);
  });

  it('may do what its role may, and no more', async () => {
    const { api_key: key } = await keyFor('viewer');
    expect((await api.call('GET', '/api/jobs', { key })).status).toBe(200);
    const response = await api.call('GET', '/api/api-keys', { key });
    expect(response.status).toBe(403);
    expect((await problemOf(response)).detail).toContain('needs the role admin');
  });

  it('shows its value once, and keeps none', async () => {
    const { id, api_key: key } = await keyFor('operator');
    const list = await (await api.call('GET', '/api/api-keys?limit=1000')).text();
    expect(list).toContain(id);
    expect(list).not.toContain(key);
    const [row] = await databases.platform.sql`select * from api_keys where id = ${id}`;
    expect(JSON.stringify(row)).not.toContain(key);
  });

  it('is to be seen where its Location says, until it is deleted', async () => {
    const made = await api.call('POST', '/api/api-keys', { json: { name: 'seen', role: 'viewer' } });
    const { api_key: secret, ...key } = await bodyOf(made, newApiKey);
    const location = made.headers.get('location') ?? '';
    expect(await (await api.call('GET', location)).json()).toEqual(key);
    expect((await api.call('GET', location, { key: secret })).status).toBe(403);
    await api.call('DELETE', location);
    expect((await api.call('GET', location)).status).toBe(404);
  });

  it('is worth nothing once deleted', async () => {
    const { id, api_key: key } = await keyFor('admin');
    expect((await api.call('DELETE', `/api/api-keys/${id}`)).status).toBe(204);
    expect((await api.call('GET', '/api/user/profile', { key })).status).toBe(401);
    expect((await api.call('DELETE', `/api/api-keys/${id}`)).status).toBe(404);
  });

  it('stays when it is the last one of an admin', async () => {
    const { key_id: id } = await ownProfile();
    const response = await api.call('DELETE', `/api/api-keys/${id}`);
    expect(response.status).toBe(409);
    expect((await problemOf(response)).code).toBe('conflict');
  });

  it('leaves one admin when two are deleted at the same time', async () => {
    const other = await keyFor('admin');
    const { key_id: own } = await ownProfile();
    const keep = await keyFor('admin');
    await api.call('DELETE', `/api/api-keys/${keep.id}`);
    const answers = await Promise.all([
      api.call('DELETE', `/api/api-keys/${other.id}`),
      api.call('DELETE', `/api/api-keys/${own}`, { key: other.api_key }),
    ]);
    expect(answers.filter(answer => answer.status === 204)).toHaveLength(1);
    await databases.platform.sql`delete from api_keys`;
  });

  it('is made by one of several first starts', async () => {
    const { db } = databases.platform;
    const made = await Promise.all([createFirstKey(db), createFirstKey(db), createFirstKey(db)]);
    const [key, ...others] = made.filter(token => token !== undefined);
    expect(others).toEqual([]);
    expect(await ownProfile(key)).toMatchObject({ name: 'first key', role: 'admin' });
  });
});

it('does not start with another encryption key than the one of its installation', async () => {
  const lifecycle = createLifecycle();
  const config = loadConfig({
    NODE_ENV: 'test',
    PORT: '0',
    DATABASE_URL: databases.platformUrl,
    APP_DATABASE_URL: databases.applicationUrl,
    MUSTER_ENCRYPTION_KEY: 'f'.repeat(64),
  });
  const starting = startApi(config, createLogger('test-api', { level: 'silent' }), lifecycle);
  await expect(starting).rejects.toThrow('MUSTER_ENCRYPTION_KEY is not the key of this installation');
  await lifecycle.stop();
});

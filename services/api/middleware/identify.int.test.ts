import { profile } from '../../../shared/http/api-keys.ts';
import { newToken } from '../../../shared/platform/crypto.ts';
import { installAdminKey } from '../../../shared/store/access/api-keys.ts';
import { bodyOf, problemOf, testApi } from '../../../test/fixtures/api.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';

const databases = testDatabases();
const open = testApi(databases, { DISABLE_AUTH: 'true' });

it('takes everybody for an admin while authentication is off', async () => {
  const response = await open.call('GET', '/api/user/profile', { key: null });
  expect(await bodyOf(response, profile)).toEqual({ key_id: null, name: 'anonymous', role: 'admin' });
});

it('has no page of another site write while authentication is off', async () => {
  const stop = (headers: Record<string, string>) =>
    open.call('POST', '/api/load-tests/emergency-stop', { key: null, headers });
  const response = await stop({ 'Sec-Fetch-Site': 'same-site' });
  expect([response.status, (await problemOf(response)).code]).toEqual([403, 'forbidden']);
  expect((await stop({ Origin: 'https://evil.example' })).status).toBe(403);
  expect((await stop({})).status).toBe(200);
});

it('revokes the key that the environment gave before, and keeps all others', async () => {
  const [before, after] = [newToken('muster'), newToken('muster')];
  await installAdminKey(databases.platform.db, before);
  await databases.platform.sql`insert into api_keys (id, name, role, digest, created_by)
    values (gen_random_uuid(), 'other', 'viewer', 'd', 'somebody'),
      (gen_random_uuid(), 'of a namesake', 'viewer', 'e', 'environment')`;
  await installAdminKey(databases.platform.db, after);
  await installAdminKey(databases.platform.db, after);
  const keys = await databases.platform.sql`select name from api_keys order by name`;
  expect(keys.map(({ name }) => name)).toEqual(['MUSTER_API_KEY', 'of a namesake', 'other']);
});

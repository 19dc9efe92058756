import { request } from 'node:http';
import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { waitFor } from '../../../../../shared/kernel/time.ts';
import { createPasswordKeeper } from '../../../../../shared/store/accounts/account-passwords.ts';
import { countAccounts } from '../../../../../shared/store/accounts/account-reading.ts';
import { problemOf, testApi } from '../../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';
import {
  json,
  linesOf,
  ndjson,
  userImport,
  userOf,
  usersOf,
} from '../../../../../test/fixtures/user-import.ts';
import { testVault } from '../../../../../test/fixtures/vault.ts';
import { createImport } from './import-users.ts';

const databases = testDatabases();
const api = testApi(databases);
const { imported, pool, send } = userImport(api, databases);

describe('an import', () => {
  it('takes an export document, in several chunks, and tells new from unchanged', async () => {
    const document = { users: usersOf(4500), export_timestamp: new Date().toISOString(), metadata: { a: 1 } };
    const body = JSON.stringify(document);
    expect(await imported(body, json)).toMatchObject({
      success: true,
      synced_count: 4500,
      created: 4500,
      deleted: 0,
      errors: [],
      bytes_sent: body.length,
      in_sync: true,
    });
    expect(await imported(body, json)).toMatchObject({ created: 0, updated: 0, unchanged: 4500 });
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('takes NDJSON in %s', async (encoding, compress) => {
    const body = new Uint8Array(compress(linesOf(usersOf(50))));
    const result = await imported(body, { ...ndjson, 'Content-Encoding': encoding });
    expect(result).toMatchObject({ created: 50, bytes_sent: body.length });
  });

  it('stores passwords encrypted, and does not take the same one for a change', async () => {
    const body = linesOf([
      userOf('a', { password: 'Secret123!', id: '7' }),
      userOf('b', { password: 'Secret123!' }),
    ]);
    await imported(body, ndjson);
    const [first, second] = await pool();
    expect(first?.sealedPassword).not.toContain('Secret');
    expect(testVault.open(first?.sealedPassword ?? '')).toBe('Secret123!');
    expect(second?.sealedPassword).toBe(first?.sealedPassword);
    expect(await imported(body, ndjson)).toMatchObject({ updated: 0, unchanged: 2 });
    const changed = linesOf([userOf('a', { password: 'Another123!' })]);
    expect(await imported(changed, ndjson)).toMatchObject({ updated: 1 });
  });

  it('leaves accounts alone with on_conflict=skip', async () => {
    await imported(linesOf([userOf('a')]), ndjson);
    const result = await imported(
      linesOf([userOf('a', { role: 'admin' }), userOf('b')]),
      ndjson,
      '?on_conflict=skip',
    );
    expect(result).toMatchObject({ created: 1, updated: 0, unchanged: 1, in_sync: false });
    const same = await imported(linesOf([userOf('a'), userOf('b')]), ndjson, '?on_conflict=skip');
    expect(same).toMatchObject({ unchanged: 2, in_sync: true });
    expect((await pool()).map(row => row.role)).toEqual(['user', 'user']);
  });

  it('writes an audit line', async () => {
    await imported(linesOf([userOf('audited')]), ndjson);
    const deeds = await databases.platform.sql`
      select detail from audit_log where action = 'users.import' order by id desc limit 1`;
    expect(deeds[0]?.detail).toMatchObject({ created: 1, failed: 0, on_conflict: 'overwrite' });
  });
});

it('stops at the largest number of users, and keeps those before', async () => {
  const { db } = databases.platform;
  const { signal } = new AbortController();
  const options = {
    keeper: createPasswordKeeper(testVault),
    onConflict: 'overwrite',
    signal,
    maxUsers: 1500,
  } as const;
  const rows = usersOf(1501).map((value, index) => [{ index, value }]);
  const importing = createImport({ db, ...options });
  await expect(importing.run(Readable.from(rows))).rejects.toMatchObject({
    code: 'payload_too_large',
    hint: expect.stringContaining('The first 1500 valid users are imported'),
  });
  expect(await countAccounts(db, {})).toBe(1500);
});

it('is refused while the system is drained', async () => {
  const drain = (json: object) => api.call('PUT', '/api/settings', { json });
  await drain({ accepting_jobs: false });
  const response = await send(linesOf([userOf('late')]), ndjson);
  expect([response.status, (await problemOf(response)).code]).toEqual([503, 'draining']);
  await drain({ accepting_jobs: true });
  expect(await pool()).toEqual([]);
});

it('ends with its client: what came before stays, and is on record', async () => {
  const { hostname, port } = new URL(api.url);
  const path = '/api/users/import';
  const headers = { ...ndjson, 'X-API-Key': api.key };
  const upload = request({ method: 'POST', hostname, port, path, headers });
  upload.on('error', () => {});
  upload.write(linesOf(usersOf(4500)));
  await waitFor('the first chunks', async () => (await countAccounts(databases.platform.db, {})) === 4500);
  upload.destroy();
  const record = await waitFor('the record', async () => {
    const deeds = await databases.platform.sql`
      select detail from audit_log where action = 'users.import' and detail ->> 'created' = '4500'`;
    return deeds[0];
  });
  expect(record.detail).toMatchObject({ failed: 0, updated: 0 });
});

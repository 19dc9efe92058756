import { request } from 'node:http';
import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { sql } from 'drizzle-orm';
import {
  account,
  getAccountStatsOperation,
  importResult,
  listAccountsOperation,
} from '../../../../shared/http/accounts.ts';
import { waitFor } from '../../../../shared/kernel/time.ts';
import { createVault } from '../../../../shared/platform/crypto.ts';
import { createPasswordKeeper } from '../../../../shared/store/account-passwords.ts';
import { countAccounts, listAccounts } from '../../../../shared/store/account-reading.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { createImport } from './import/import-users.ts';

const databases = testDatabases();
const api = testApi(databases);
const vault = createVault('0'.repeat(64));

beforeEach(async () => {
  await databases.platform.db.execute(sql`truncate accounts cascade`);
});

type Body = string | Uint8Array<ArrayBuffer>;
const json = { 'Content-Type': 'application/json' };
const ndjson = { 'Content-Type': 'application/x-ndjson' };

const user = (name: string, more: object = {}) => ({ username: name, email: `${name}@example.com`, ...more });
const users = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, index) => user(`user${index}`, more));
const lines = (rows: object[]) => rows.map(row => `${JSON.stringify(row)}\n`).join('');
const send = (body: Body, headers: Record<string, string>, query = '') =>
  api.call('POST', `/api/users/import${query}`, { body, headers });
const imported = async (body: Body, headers: Record<string, string>, query = '') =>
  bodyOf(await send(body, headers, query), importResult);
const pool = () => listAccounts(databases.platform.db, { limit: 1000 });

describe('an import', () => {
  it('takes an export document, in several chunks, and tells new from unchanged', async () => {
    const document = { users: users(4500), export_timestamp: new Date().toISOString(), metadata: { a: 1 } };
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
    const body = new Uint8Array(compress(lines(users(50))));
    const result = await imported(body, { ...ndjson, 'Content-Encoding': encoding });
    expect(result).toMatchObject({ created: 50, bytes_sent: body.length });
  });

  it('stores passwords encrypted, and does not take the same one for a change', async () => {
    const body = lines([
      user('a', { password: 'Secret123!', id: '7' }),
      user('b', { password: 'Secret123!' }),
    ]);
    await imported(body, ndjson);
    const [first, second] = await pool();
    expect(first?.sealedPassword).not.toContain('Secret');
    expect(vault.open(first?.sealedPassword ?? '')).toBe('Secret123!');
    expect(second?.sealedPassword).toBe(first?.sealedPassword);
    expect(await imported(body, ndjson)).toMatchObject({ updated: 0, unchanged: 2 });
    const changed = lines([user('a', { password: 'Another123!' })]);
    expect(await imported(changed, ndjson)).toMatchObject({ updated: 1 });
  });

  it('leaves accounts alone with on_conflict=skip', async () => {
    await imported(lines([user('a')]), ndjson);
    const result = await imported(
      lines([user('a', { role: 'admin' }), user('b')]),
      ndjson,
      '?on_conflict=skip',
    );
    expect(result).toMatchObject({ created: 1, updated: 0, unchanged: 1, in_sync: false });
    const same = await imported(lines([user('a'), user('b')]), ndjson, '?on_conflict=skip');
    expect(same).toMatchObject({ unchanged: 2, in_sync: true });
    expect((await pool()).map(row => row.role)).toEqual(['user', 'user']);
  });

  it('writes an audit line', async () => {
    await imported(lines([user('audited')]), ndjson);
    const deeds = await databases.platform.sql`
      select detail from audit_log where action = 'users.import' order by id desc limit 1`;
    expect(deeds[0]?.detail).toMatchObject({ created: 1, failed: 0, on_conflict: 'overwrite' });
  });
});

describe('a user with a fault', () => {
  it('fails alone, with where and why', async () => {
    const rows: unknown[] = [
      { email: 'a@example.com' },
      user('long', { custom_attributes: { text: 'x'.repeat(1_000_000) } }),
      user('typed', { role: 7 }),
      user('nul\u0000'),
      user('twice'),
      user('twice', { role: 'admin' }),
      user('unknown', { nickname: 'x' }),
      user('dated', { created_at: '0000-01-01T00:00:00Z' }),
      user('deep', { custom_attributes: JSON.parse(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`) }),
      user('proto', JSON.parse('{"custom_attributes": {"__proto__": {"admin": true}}}')),
      null,
      7,
    ];
    const result = await imported(JSON.stringify({ users: rows }), json);
    expect(result).toMatchObject({ success: false, created: 1, failed_count: 11, in_sync: false });
    expect(result.errors.map(({ index, code, pointer }) => `${index} ${code} ${pointer}`)).toEqual([
      '0 required /username',
      '1 invalid /custom_attributes',
      '2 wrong_type /role',
      '3 invalid_character /username',
      '5 duplicate_username /username',
      '6 unknown_field /nickname',
      '7 invalid /created_at',
      expect.stringMatching(/^8 too_deep /),
      '9 unknown_field /custom_attributes/__proto__',
      '10 wrong_type ',
      '11 wrong_type ',
    ]);
    expect((await pool()).map(row => [row.username, row.role])).toEqual([['twice', 'user']]);
  });

  it('may be a line that is not JSON, or not UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from(`<html>\n${lines([user('a')])}\r\n{"username"\n`),
      Buffer.from([0x22, 0xff, 0x22, 10]),
      Buffer.from(JSON.stringify(user('b'))),
    ]);
    const result = await imported(new Uint8Array(body), ndjson);
    expect(result).toMatchObject({ created: 2, failed_count: 3 });
    expect(result.errors.map(({ index, code }) => `${index} ${code}`)).toEqual([
      '0 invalid_json',
      '3 invalid_json',
      '4 invalid_json',
    ]);
  });

  it('is listed among the first thousand, and counted with all', async () => {
    const result = await imported(lines(Array.from({ length: 1500 }, () => ({}))), ndjson);
    expect(result.failed_count).toBe(1500);
    expect(result.errors).toHaveLength(1000);
  });
});

it('stops at the largest number of users, and keeps those before', async () => {
  const { db } = databases.platform;
  const { signal } = new AbortController();
  const options = {
    keeper: createPasswordKeeper(vault),
    onConflict: 'overwrite',
    signal,
    maxUsers: 1500,
  } as const;
  const rows = users(1501).map((value, index) => [{ index, value }]);
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
  const response = await send(lines([user('late')]), ndjson);
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
  upload.write(lines(users(4500)));
  await waitFor('the first chunks', async () => (await countAccounts(databases.platform.db, {})) === 4500);
  upload.destroy();
  const record = await waitFor('the record', async () => {
    const deeds = await databases.platform.sql`
      select detail from audit_log where action = 'users.import' and detail ->> 'created' = '4500'`;
    return deeds[0];
  });
  expect(record.detail).toMatchObject({ failed: 0, updated: 0 });
});

describe('the pool', () => {
  const batches = ['0198f000-0000-7000-8000-000000000001', '0198f000-0000-7000-8000-000000000002'];
  const page = listAccountsOperation.responses[200].schema;
  const stats = getAccountStatsOperation.responses[200].schema;
  const statistics = async () => bodyOf(await api.call('GET', '/api/users/stats'), stats);

  beforeEach(async () => {
    const rows = users(5, { password: 'Secret123!' }).map((each, index) => ({
      ...each,
      test_batch_id: batches[index % 2],
    }));
    await imported(lines(rows), ndjson);
  });

  it('is listed page by page, by batch, and without secrets', async () => {
    const first = await api.call('GET', `/api/users?batch_id=${batches[0]}&limit=2`);
    const text = await first.text();
    expect(text).not.toMatch(/Secret123|sealed|v1\./);
    const { items, next_cursor } = page.parse(JSON.parse(text));
    const second = await api.call('GET', `/api/users?batch_id=${batches[0]}&limit=2&cursor=${next_cursor}`);
    const rest = await bodyOf(second, page);
    expect([...items, ...rest.items].map(item => item.username)).toEqual(['user0', 'user2', 'user4']);
    expect([items[0]?.has_password, rest.next_cursor]).toEqual([true, null]);
    const found = await bodyOf(await api.call('GET', `/api/users/${items[0]?.id}`), account);
    expect(found).toEqual(items[0]);
  });

  it('gives counts and a digest that only the accounts decide', async () => {
    const before = await statistics();
    expect(before).toMatchObject({
      total_users: 5,
      by_batch: { [batches[0] ?? '']: 3, [batches[1] ?? '']: 2 },
      active_sessions: 0,
      leased: 0,
    });
    await imported(lines([user('one more')]), ndjson);
    expect((await statistics()).digest).not.toBe(before.digest);
  });

  it('forgets a batch for admins, and keeps that it was there', async () => {
    const path = `/api/users?batch_id=${batches[0]}`;
    const [first] = await pool();
    expect(await (await api.call('DELETE', path)).json()).toEqual({ batch_id: batches[0], deleted: 3 });
    expect(await (await api.call('DELETE', path)).json()).toEqual({ batch_id: batches[0], deleted: 0 });
    expect(await statistics()).toMatchObject({ total_users: 2, by_batch: { [batches[1] ?? '']: 2 } });
    const tombstone = await bodyOf(await api.call('GET', `/api/users/${first?.id}`), account);
    expect(tombstone).toMatchObject({ status: 'deleted', has_password: false });
  });
});

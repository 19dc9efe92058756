import { zstdDecompressSync } from 'node:zlib';
import { exportDocument, importResult } from '../../../../shared/http/accounts.ts';
import { newApiKey } from '../../../../shared/http/api-keys.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';

const databases = testDatabases();
const api = testApi(databases);
const batchId = '0198f000-0000-7000-8000-000000000001';
const application = '/api/bulk-users/export';
const pool = '/api/users/export';

beforeAll(async () => {
  // No worker runs: the batch is only asked for, which makes its password known, and its users are written by hand.
  const config = { username_pattern: 'load_{id}', password: 'Shared123!', test_batch_id: batchId };
  await api.call('POST', '/api/bulk-users/create', { json: { count: 2500, config } });
  const { sql } = databases.application;
  await sql`
    insert into users (username, email, password_hash, is_test_user, test_batch_id, created_by_bulk, custom_attributes)
    select 'load_' || n, 'load_' || n || '@example.com', 'x', true, ${batchId}, true, '{"plan": "pro"}'
    from generate_series(1, 2500) n`;
  await sql`
    insert into users (username, email, password_hash, role, created_at, updated_at)
    values ('=HYPERLINK("x")', 'prod,uction@example.com', 'x', 'admin', '2020-01-01', '2020-01-01')`;
});

const read = async (path: string) => bodyOf(await api.call('GET', path), exportDocument);

describe.each([application, pool])('GET %s', path => {
  beforeAll(async () => {
    if (path !== pool) return;
    const document = await (await api.call('GET', `${application}?include_credentials=true`)).text();
    const options = { body: document, headers: { 'Content-Type': 'application/json' } };
    const result = await bodyOf(await api.call('POST', '/api/users/import', options), importResult);
    expect(result).toMatchObject({ success: true, created: 2501 });
  });

  it('gives all users in one document, counted', async () => {
    const document = await read(path);
    expect(document).toMatchObject({
      total_count: 2501,
      source_system: path === pool ? 'load_tester' : 'application',
      metadata: { filters: { batch_id: null, test_users_only: false }, include_credentials: false },
    });
    expect(new Set(document.users.map(user => user.username)).size).toBe(2501);
    expect(document.users.some(user => user.password !== undefined)).toBe(false);
    expect(document.users.find(user => user.username === 'load_7')).toEqual({
      id: expect.any(String),
      username: 'load_7',
      email: 'load_7@example.com',
      role: 'user',
      is_test_user: true,
      test_batch_id: batchId,
      custom_attributes: { plan: 'pro' },
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
  });

  it('filters by batch, marker and time', async () => {
    const counts = [
      `batch_id=${batchId}`,
      'test_users_only=true',
      'modified_since=2021-01-01T00:00:00%2B09:00',
    ];
    for (const filter of counts) expect((await read(`${path}?${filter}`)).total_count).toBe(2500);
    const nobody = await read(`${path}?batch_id=0198f000-0000-7000-8000-00000000ffff`);
    expect(nobody).toMatchObject({ users: [], total_count: 0 });
    expect((await read(`${path}?modified_since=2999-01-01T00:00:00Z`)).total_count).toBe(0);
  });

  it('writes NDJSON, and CSV that no spreadsheet takes for a formula', async () => {
    const lines = await (await api.call('GET', `${path}?format=ndjson`)).text();
    expect(
      lines
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toHaveLength(2501);
    const csv = await (await api.call('GET', `${path}?format=csv`)).text();
    const rows = csv.trimEnd().split('\r\n');
    expect(rows).toHaveLength(2502);
    expect(rows[0]).toBe(
      'id,username,email,role,is_test_user,test_batch_id,custom_attributes,created_at,updated_at',
    );
    expect(csv).toContain(`,"'=HYPERLINK(""x"")","prod,uction@example.com",admin,false,,{},2020-01-01`);
  });

  it('compresses as the client asks', async () => {
    const plain = await (await api.call('GET', `${path}?format=ndjson`)).text();
    const raw = await api.call('GET', `${path}?format=ndjson`, { headers: { 'Accept-Encoding': 'zstd' } });
    expect(raw.headers.get('content-encoding')).toBe('zstd');
    const bytes = Buffer.from(await raw.arrayBuffer());
    // Some clients decompress by themselves, some know no zstd.
    const text = bytes.readUInt32LE() === 0xfd2fb528 ? zstdDecompressSync(bytes) : bytes;
    expect(text.toString()).toBe(plain);
  });

  it('gives passwords to admins only, and notes it', async () => {
    const made = await api.call('POST', '/api/api-keys', { json: { name: `op ${path}`, role: 'operator' } });
    const { api_key: key } = await bodyOf(made, newApiKey);
    const query = `${path}?include_credentials=true&batch_id=${batchId}`;
    const refused = await api.call('GET', query, { key });
    expect([refused.status, (await problemOf(refused)).code]).toEqual([403, 'forbidden']);
    const { users } = await read(query);
    expect(new Set(users.map(user => user.password))).toEqual(new Set(['Shared123!']));
    const deeds = await databases.platform.sql`
      select detail from audit_log where action = 'credentials.export' and subject = ${batchId}
      order by id desc limit 1`;
    expect(deeds[0]?.detail.source_system).toBe(path === pool ? 'load_tester' : 'application');
  });
});

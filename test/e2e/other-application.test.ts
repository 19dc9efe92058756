import { expand } from '../../shared/contracts/username-pattern.ts';
import { applicationUser } from '../../shared/http/bulk-users.ts';
import { pageOf } from '../../shared/http/pagination.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { passwordHashers } from '../../shared/platform/passwords/password-formats.ts';
import { openCredentials } from '../../shared/store/bulk-users/batch-credentials.ts';
import { loadUserTable } from '../../shared/store/users/load-user-table.ts';
import { assertUserTable } from '../../shared/store/users/user-table-check.ts';
import { problemOf, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { installOtherApplication, otherMapping } from '../fixtures/other-application.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { testVault } from '../fixtures/vault.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const mapping = otherMapping;
const databases = testDatabases();
const store = postgresStore(databases);
const sql = () => databases.application.sql;
const pattern = 'load_{id}';
let worker: RunningWorker | undefined;
let ledgers: unknown[] = [];

const describeLedger = () => sql()`
  select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
  where table_schema = 'muster' and table_name like 'bulk_%' order by 1, 2`;

beforeAll(async () => {
  ledgers = [await describeLedger()];
  await installOtherApplication(databases, [expand(pattern, 3)]);
  ledgers.push(await describeLedger());
  const users = await loadUserTable(mapping);
  await assertUserTable(databases.application.db, users);
  worker = await runWorker(databases, store, { users });
}, 20_000);
afterAll(() => worker?.stop());

const api = testApi(databases, { QUEUE_PREFIX: store.prefix, USER_DIRECTORY: mapping });

const { run } = testJobs(api);
const create = (config: object) =>
  run('POST', '/api/bulk-users/create', { count: 5, config: { username_pattern: pattern, ...config } });

const accounts = () => sql()`select login, is_test_user from account order by account_id`;

it('has the ledger that the storefront has', () => {
  expect(ledgers[1]).toEqual(ledgers[0]);
});

it('gets users in its own table, with its own hashes, beside its own users', async () => {
  const batchId = newId();
  const done = await create({ test_batch_id: batchId, user_role: 'tester', distinct_passwords: 'all' });
  expect(done).toMatchObject({
    status: 'partially_succeeded',
    result: { successful_count: 4, failed_count: 1 },
  });
  const listing = await api.call('GET', `/api/bulk-users/batches/${batchId}/users?limit=2`);
  const { items, next_cursor } = pageOf(applicationUser).parse(await listing.json());
  expect(items).toMatchObject([
    { username: 'load_1', email: 'load_1@example.com', role: 'tester', test_batch_id: batchId },
    { username: 'load_2', custom_attributes: {}, is_test_user: true },
  ]);
  const rest = await api.call(
    'GET',
    `/api/bulk-users/batches/${batchId}/users?limit=5&cursor=${next_cursor}`,
  );
  expect(pageOf(applicationUser).parse(await rest.json()).items).toHaveLength(2);

  const [row] = await sql()`
    select pw_hash, locale, terms_accepted, abs(extract(epoch from created - now() at time zone 'utc')) < 60 as fresh
    from account where login = 'load_1'`;
  expect(row).toMatchObject({ locale: 'en', terms_accepted: true, fresh: true });
  const passwordOf = await openCredentials(databases.platform.db, testVault, [batchId]);
  const password = passwordOf(batchId, 'load_1') ?? '';
  expect(await passwordHashers['werkzeug-scrypt'].verify(row?.pw_hash, password)).toBe(true);
  await sql()`delete from account where is_test_user`;
});

it('gets rid of them again under on_error: rollback, and keeps its own users', async () => {
  const done = await create({ on_error: 'rollback' });
  expect(done).toMatchObject({ status: 'failed', error: { code: 'rolled_back' } });
  expect([...(await accounts())]).toEqual([
    { login: 'ada', is_test_user: false },
    { login: 'load_3', is_test_user: false },
  ]);
});

it('is asked how much its columns hold before anything is made', async () => {
  const config = { username_pattern: `${'x'.repeat(78)}{id}`, user_role: 'r'.repeat(21) };
  const refused = await api.call('POST', '/api/bulk-users/create', { json: { count: 100, config } });
  const { errors } = await problemOf(refused);
  expect(errors?.map(({ pointer, detail }) => [pointer, detail.replace(/characters, .*, and/, '')])).toEqual([
    ['/config/username_pattern', 'gives names of up to 81  the column "login" holds 80'],
    ['/config/user_role', 'gives a role of up to 21  the column "Role" holds 20'],
  ]);
});

it('says all that is missing before it starts', async () => {
  await sql().unsafe(`alter table account add column tenant integer not null default 1;
    alter table account
    alter column tenant drop default, drop constraint account_login_key, drop column created`);
  const check = assertUserTable(databases.application.db, await loadUserTable(mapping));
  await expect(check).rejects.toThrow(
    /created_at: there is no column "created"; columns.username: "login" has no unique index of its own; "tenant" must have/,
  );
});

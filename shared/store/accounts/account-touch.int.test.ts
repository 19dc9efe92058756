import { testDatabases } from '../../../test/fixtures/database.ts';
import { newId } from '../../kernel/ids.ts';
import { type AccountNeed, leaseAccounts, releaseAccounts } from '../load-tests/account-leases.ts';
import { settleAccounts, settlePool } from '../user-sync/synced-accounts.ts';
import { poolTable } from './account-digests.ts';
import { readFold } from './account-fold.ts';
import { markDeleted } from './accounts.ts';

const databases = testDatabases();
const { sql } = databases.platform;
const { db } = databases.platform;
const batchId = newId();
const everybody = { testUsersOnly: false };
const need: AccountNeed = {
  pool: { batch_id: batchId, policy: 'unique', login: null },
  origin: 'http://127.0.0.1:1',
  users: 5000,
};

beforeAll(async () => {
  // Looks at what the statement's own executor holds when all of its rows are written.
  await sql`create table executors (used bigint, updated bigint)`;
  await sql.unsafe(`
    create function note_executor() returns trigger language plpgsql as $$
    begin
      insert into executors
      select (select max(used_bytes) from pg_backend_memory_contexts where name = 'ExecutorState'),
        (select count(*) from new_rows);
      return null;
    end $$;
    create trigger note_executor after update on accounts referencing new table as new_rows
      for each statement execute function note_executor()`);
});

beforeEach(async () => {
  await sql`truncate accounts, executors cascade`;
  await sql`insert into accounts (username, email, role, test_batch_id)
    select 'u' || n, 'u' || n || '@shop.example', 'user', ${batchId} from generate_series(1, 5000) n`;
  await sql`insert into account_sessions (account_id, origin, state, sealed_session)
    select id, ${need.origin}, 'active', 'x' from accounts`;
});

it.each([
  ['deletes a batch', () => markDeleted(db, { batchId })],
  ['notes a sync of accounts', async () => settleAccounts(db, await listDigests())],
  [
    'notes a sync of the pool',
    async () => settlePool(db, everybody, await readFold(db, poolTable, everybody)),
  ],
  ['leases', () => leaseAccounts(db, { testId: newId(), need })],
  ['gives leases back', leaseAndRelease],
])('a statement that %s holds no more memory for more accounts', async (_name, work) => {
  await work();
  const [last] = await sql<{ used: number; updated: number }[]>`
    select used::int, updated::int from executors order by ctid desc limit 1`;
  expect(last?.updated).toBe(5000);
  expect(last?.used).toBeLessThan(2_000_000);
});

const listDigests = () =>
  sql<{ username: string; digest: string }[]>`select username, digest::text from accounts`;

async function leaseAndRelease(): Promise<void> {
  const testId = newId();
  await leaseAccounts(db, { testId, need });
  await releaseAccounts(db, testId);
}

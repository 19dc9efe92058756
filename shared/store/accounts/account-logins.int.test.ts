import { accounts } from '../../../drizzle/platform/schema/accounts.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { newId } from '../../kernel/ids.ts';
import { insertJob } from '../jobs/jobs.ts';
import {
  claimLoginChunk,
  concludeLoginChunk,
  type LoginChunkLease,
  listDueAccounts,
  planLogins,
  recordLogins,
  tallyLogins,
  withdrawLogins,
} from './account-logins.ts';
import { type NewSession, saveSessions } from './account-sessions.ts';

const databases = testDatabases();
const db = () => databases.platform.db;
const origin = 'http://shop.test';
const scope = { batch_id: newId(), origin, force: false, limit: null };
const lane = { lane: 0, worker: 'ada', held: [] as number[] };
let ids: string[];

beforeEach(async () => {
  await db().delete(accounts);
  const rows = await db()
    .insert(accounts)
    .values(
      Array.from({ length: 60 }, (_, index) => ({
        username: `user${index}`,
        email: `user${index}@shop.test`,
        role: 'user',
        testBatchId: scope.batch_id,
        status: 'synced' as const,
      })),
    )
    .returning({ id: accounts.id });
  ids = rows.map(({ id }) => id).toSorted();
});

/** A bulk login that is planned: chunks of 25, 25 and 10 accounts, or of those that are due. */
async function plan(options: Partial<typeof scope> = {}): Promise<string> {
  const jobId = newId();
  await insertJob(db(), { id: jobId, kind: 'users.bulk-login', payload: {}, requestedBy: 'test' });
  await planLogins(db(), { jobId, scope: { ...scope, ...options }, lanes: 2 });
  return jobId;
}

const session = (accountId: string, minutes: number | null = null): NewSession => ({
  accountId,
  sealedSession: 'sealed',
  expiresAt: minutes === null ? null : new Date(Date.now() + minutes * 60_000),
  loginMs: 1,
  failureCode: null,
});

const claim = async (jobId: string, options: Partial<typeof lane> = {}) => {
  const lease = await claimLoginChunk(db(), { jobId, ...lane, ...options });
  if (lease === undefined) throw new Error('There is no chunk to take');
  return lease;
};
const dueIds = async (lease: LoginChunkLease) =>
  (await listDueAccounts(db(), lease, scope)).map(({ id }) => id);
const record = (lease: LoginChunkLease, of: string[]) =>
  recordLogins(
    db(),
    lease,
    { loggedIn: of.length, failures: {} },
    { origin, sessions: of.map(id => session(id)) },
  );

it('sessions that have run out, or will within a minute, are due again; good ones are not', async () => {
  const [good = '', endless = '', expired = '', soon = '', failed = ''] = ids;
  const broken = { ...session(failed), sealedSession: null, failureCode: 'http_5xx' };
  const sessions = [session(good, 10), session(endless), session(expired, -1), session(soon, 0.5), broken];
  await saveSessions(db(), { origin, sessions });
  const jobId = await plan();
  expect(await tallyLogins(db(), jobId)).toMatchObject({ accounts: 58, chunks: 3, chunksPending: 3 });
  const due = await dueIds(await claim(jobId));
  expect(due).toEqual(expect.arrayContaining([expired, soon, failed]));
  expect(due).not.toContain(good);
  expect(due).not.toContain(endless);
  expect(await tallyLogins(db(), await plan({ force: true }))).toMatchObject({ accounts: 60 });
});

it('who follows a dead lane has its chunk, without those it had logged in; the dead one writes nothing', async () => {
  const jobId = await plan();
  const dead = await claim(jobId);
  const first = await dueIds(dead);
  expect(await record(dead, first.slice(0, 20))).toBe(true);
  const follower = await claim(jobId, { worker: 'bob' });
  expect(follower).toMatchObject({ chunkIndex: dead.chunkIndex, loggedIn: 20 });
  expect(await dueIds(follower)).toEqual(first.slice(20));
  expect(await record(dead, first)).toBe(false);
  await concludeLoginChunk(db(), dead);
  expect(await tallyLogins(db(), jobId)).toMatchObject({ loggedIn: 20, chunksDone: 0 });
  expect(await record(follower, first)).toBe(true);
  await concludeLoginChunk(db(), follower);
  expect(await tallyLogins(db(), jobId)).toMatchObject({ loggedIn: 25, chunksDone: 1 });
});

it('a lane takes no chunk that it holds, and none that another lane has begun', async () => {
  const jobId = await plan();
  const [first, second] = [await claim(jobId), await claim(jobId, { lane: 1 })];
  const third = await claim(jobId, { held: [first.chunkIndex] });
  expect([first, second, third].map(({ chunkIndex }) => chunkIndex).toSorted()).toEqual([0, 1, 2]);
  const held = [first.chunkIndex, third.chunkIndex];
  expect(await claimLoginChunk(db(), { jobId, ...lane, held })).toBeUndefined();
});

it('nothing is written to chunks that are withdrawn, and none is taken', async () => {
  const jobId = await plan();
  const lease = await claim(jobId);
  await withdrawLogins(db(), jobId);
  expect(await record(lease, ids.slice(0, 5))).toBe(false);
  expect(await claimLoginChunk(db(), { jobId, ...lane })).toBeUndefined();
});

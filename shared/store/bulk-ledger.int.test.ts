import { randomUUID } from 'node:crypto';
import { testDatabases } from '../../test/fixtures/database.ts';
import {
  type ChunkLease,
  claimChunk,
  concludeChunk,
  holdChunk,
  listFailures,
  markRolledBack,
  openChunks,
  planChunks,
  reopenChunks,
  sharesByWorker,
  tallyBatch,
  withdrawChunks,
} from './bulk-ledger.ts';
import {
  createUsersApart,
  deleteBatchUsers,
  hasUsersOfBatch,
  listBatchUsers,
  type UserSpec,
} from './user-directory.ts';

const databases = testDatabases();
const db = () => databases.application.db;

async function plan(total: number, chunkSize: number): Promise<string> {
  const batchId = randomUUID();
  await planChunks(db(), { batchId, total, chunkSize });
  return batchId;
}

async function claim(batchId: string, chunkIndex: number, worker = 'w1'): Promise<ChunkLease> {
  const lease = await claimChunk(db(), { batchId, chunkIndex, worker });
  if (lease === undefined) throw new Error('The chunk cannot be claimed');
  return lease;
}

const conclude = (lease: ChunkLease, failures = 0): Promise<boolean> =>
  db().transaction(async tx => {
    if (!(await holdChunk(tx, lease))) return false;
    const failed = Array.from({ length: failures }, (_, i) => ({
      index: lease.firstId + i,
      username: `u${lease.firstId + i}`,
      code: 'duplicate_username',
      detail: 'taken',
    }));
    await concludeChunk(tx, lease, failed);
    return true;
  });

describe('the plan of a batch', () => {
  it.each([
    [1, 1, [[1, 1]]],
    [
      10,
      4,
      [
        [1, 4],
        [5, 4],
        [9, 2],
      ],
    ],
    [
      8,
      4,
      [
        [1, 4],
        [5, 4],
      ],
    ],
    [3, 100, [[1, 3]]],
  ])('of %i users in chunks of %i covers each id once', async (total, chunkSize, expected) => {
    const batchId = await plan(total, chunkSize);
    await planChunks(db(), { batchId, total, chunkSize }); // a second conductor changes nothing
    const rows = await databases.application.sql`
      select first_id, size from muster.bulk_chunks where batch_id = ${batchId} order by chunk_index`;
    expect(rows.map(row => [row.first_id, row.size])).toEqual(expected);
  });
});

describe('a chunk', () => {
  it('is written by the newest claim only', async () => {
    const batchId = await plan(10, 10);
    const stale = await claim(batchId, 0, 'stale');
    const fresh = await claim(batchId, 0, 'fresh');
    expect(await conclude(stale)).toBe(false);
    expect(await conclude(fresh)).toBe(true);
    expect(await conclude(fresh)).toBe(false);
    expect(await claimChunk(db(), { batchId, chunkIndex: 0, worker: 'late' })).toBeUndefined();
    expect(await sharesByWorker(db(), batchId)).toEqual([{ worker: 'fresh', chunks: 1, users: 10 }]);
  });

  it('that was withdrawn cannot be written by the worker that held it', async () => {
    const batchId = await plan(20, 10);
    const lease = await claim(batchId, 0);
    await withdrawChunks(db(), batchId);
    expect(await conclude(lease)).toBe(false);
    expect(await tallyBatch(db(), batchId)).toMatchObject({ chunks: 2, chunksDone: 0, withdrawn: 20 });
    expect(await openChunks(db(), { batchId, fromIndex: 0, limit: 10 })).toEqual([]);
  });

  it('is done again on a retry when it had failures, which are then forgotten', async () => {
    const batchId = await plan(20, 10);
    await conclude(await claim(batchId, 0), 3);
    await conclude(await claim(batchId, 1));
    expect(await tallyBatch(db(), batchId)).toMatchObject({ created: 17, failed: 3 });
    await reopenChunks(db(), batchId);
    expect(await openChunks(db(), { batchId, fromIndex: 0, limit: 10 })).toEqual([0]);
    await conclude(await claim(batchId, 0), 1);
    expect(await tallyBatch(db(), batchId)).toMatchObject({ created: 19, failed: 1, chunksDone: 2 });
    expect(await listFailures(db(), { batchId, afterIndex: 0, limit: 10 })).toHaveLength(1);
  });
});

describe('a range of users', () => {
  const specOf = (batchId: string, pattern: string): UserSpec => ({
    batchId,
    usernamePattern: pattern,
    emailDomain: 'example.com',
    role: 'user',
    customAttributes: { quote: `it's "x"`, deep: { Key: [1, null] } },
    passwordHash: 'hash',
  });

  it('made twice is the same as made once', async () => {
    const spec = specOf(randomUUID(), 'twice_{id}');
    expect(await createUsersApart(db(), spec, { first: 1, last: 50 })).toEqual([]);
    expect(await createUsersApart(db(), spec, { first: 1, last: 60 })).toEqual([]);
    const users = await listBatchUsers(db(), { batchId: spec.batchId, limit: 100 });
    expect(users).toHaveLength(60);
    expect(users[0]).toMatchObject({
      username: 'twice_1',
      email: 'twice_1@example.com',
      customAttributes: spec.customAttributes,
      isTestUser: true,
      createdByBulk: true,
    });
  });

  it('leaves users of others alone, and says whose name or address was in the way', async () => {
    const other = specOf(randomUUID(), 'other_{id}');
    await createUsersApart(db(), other, { first: 1, last: 3 });
    const failures = await createUsersApart(db(), specOf(randomUUID(), 'other_{id}'), { first: 2, last: 5 });
    expect(failures.map(({ index, code }) => [index, code])).toEqual([
      [2, 'duplicate_username'],
      [3, 'duplicate_username'],
    ]);
  });

  it('goes with its batch, and nothing else goes', async () => {
    const [kept, gone] = [specOf(randomUUID(), 'kept_{id}'), specOf(randomUUID(), 'gone_{id}')];
    await createUsersApart(db(), kept, { first: 1, last: 5 });
    await createUsersApart(db(), gone, { first: 1, last: 7 });
    expect(await deleteBatchUsers(db(), gone.batchId)).toBe(7);
    expect(await hasUsersOfBatch(db(), gone.batchId)).toBe(false);
    expect(await listBatchUsers(db(), { batchId: kept.batchId, limit: 10 })).toHaveLength(5);
  });
});

it('a batch that is rolled back keeps its failures and counts nobody as created', async () => {
  const batchId = await plan(30, 10);
  await conclude(await claim(batchId, 0), 2);
  await conclude(await claim(batchId, 1));
  await withdrawChunks(db(), batchId);
  expect(await markRolledBack(db(), batchId)).toBe(18);
  expect(await tallyBatch(db(), batchId)).toMatchObject({ created: 0, failed: 2, rolledBack: 28 });
});

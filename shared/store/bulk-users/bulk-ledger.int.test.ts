import { sql } from 'drizzle-orm';
import { bulkChunks } from '../../../test/fixtures/bulk-chunks.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
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
  withdrawChunks,
} from './bulk-ledger.ts';
import { sharesByWorker, tallyBatch } from './bulk-tallies.ts';

const databases = testDatabases();
const db = () => databases.application.db;

const { plan, claim } = bulkChunks(databases);

const conclude = (lease: ChunkLease, failures = 0): Promise<boolean> =>
  db().transaction(async tx => {
    if (!(await holdChunk(tx, lease))) return false;
    const failed = Array.from({ length: failures }, (_, i) => ({
      index: lease.firstId + i,
      username: `u${lease.firstId + i}`,
      code: 'duplicate_username',
      detail: 'taken',
    }));
    await tx.execute(sql`
      update muster.bulk_chunks set user_keys = array_fill('key'::text, array[${lease.size - failures}::int])
      where batch_id = ${lease.batchId} and chunk_index = ${lease.chunkIndex}`);
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
    expect(await tallyBatch(db(), batchId)).toMatchObject({ created: 17, failed: 0 });
    await conclude(await claim(batchId, 0), 1);
    expect(await tallyBatch(db(), batchId)).toMatchObject({ created: 19, failed: 1, chunksDone: 2 });
    expect(await listFailures(db(), { batchId, afterIndex: 0, limit: 10 })).toHaveLength(1);
  });
});

it('a batch that is rolled back keeps its failures, and the users of chunks that still have some count', async () => {
  const batchId = await plan(30, 10);
  await conclude(await claim(batchId, 0), 10);
  await conclude(await claim(batchId, 1), 2);
  await withdrawChunks(db(), batchId);
  await markRolledBack(db(), batchId);
  expect(await tallyBatch(db(), batchId)).toMatchObject({ created: 8, failed: 12, rolledBack: 10 });
});

it('a chunk that is withdrawn from a retry keeps what the run before did, which was not withdrawn', async () => {
  const batchId = await plan(20, 10);
  await conclude(await claim(batchId, 0), 1);
  await reopenChunks(db(), batchId);
  await withdrawChunks(db(), batchId);
  expect(await tallyBatch(db(), batchId)).toMatchObject({ created: 9, failed: 1, withdrawn: 10 });
});

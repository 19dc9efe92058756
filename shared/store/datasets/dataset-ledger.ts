import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { datasetChunks } from '../../../drizzle/application/schema/datasets.ts';
import { offices } from '../../../drizzle/application/schema/welfare.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { rowIdOf } from './dataset-rows.ts';

/** The ledger of datasets, in the application's database: which ranges of offices are done. As `bulk-ledger.ts`. */
export type DatasetChunkLease = Pick<
  typeof datasetChunks.$inferSelect,
  'datasetId' | 'chunkIndex' | 'epoch' | 'firstOffice' | 'offices'
>;

/**
 * Divides a dataset's offices into chunks; those that stand already are left alone, withdrawn ones are open again. One whose
 * offices are there is done: a restore brings rows back without their chunks.
 */
export async function planDataset(
  db: Executor,
  { datasetId, offices, chunkOffices }: { datasetId: string; offices: number; chunkOffices: number },
): Promise<void> {
  const idOf = (number: SQL) => rowIdOf(datasetId, 'offices', number);
  await db.execute(sql`
    insert into muster.dataset_chunks (dataset_id, chunk_index, first_office, offices, status)
    select ${datasetId}, i, first, last - first + 1, case when there = last - first + 1 then 'done' else 'pending' end
    from generate_series(0, ${Math.ceil(offices / chunkOffices) - 1}::int) as i,
      lateral (select i * ${chunkOffices} + 1 as first, least((i + 1) * ${chunkOffices}, ${offices}::int) as last) as range,
      lateral (
        select count(*) as there from offices where id between ${idOf(sql`first`)} and ${idOf(sql`last`)}
      ) as made
    on conflict (dataset_id, chunk_index) do update set status = excluded.status, epoch = dataset_chunks.epoch + 1
    where dataset_chunks.status = 'cancelled'`);
}

/** Takes a chunk that is not done, whoever held it before; undefined when there is nothing to do. */
export async function claimDatasetChunk(
  db: Executor,
  { datasetId, chunkIndex, worker }: { datasetId: string; chunkIndex: number; worker: string },
): Promise<DatasetChunkLease | undefined> {
  const [lease] = await db
    .update(datasetChunks)
    .set({ status: 'running', epoch: sql`epoch + 1`, worker })
    .where(
      and(
        eq(datasetChunks.datasetId, datasetId),
        eq(datasetChunks.chunkIndex, chunkIndex),
        inArray(datasetChunks.status, ['pending', 'running']),
      ),
    )
    .returning();
  return lease;
}

/**
 * Marks a claimed chunk done, and holds it until the transaction that writes its rows ends: its first statement.
 * @returns false when the lease is void, and nothing may be written
 */
export async function concludeDatasetChunk(tx: Executor, lease: DatasetChunkLease): Promise<boolean> {
  const concluded = await tx
    .update(datasetChunks)
    .set({ status: 'done', finishedAt: sql`clock_timestamp()` })
    .where(
      and(
        eq(datasetChunks.datasetId, lease.datasetId),
        eq(datasetChunks.chunkIndex, lease.chunkIndex),
        eq(datasetChunks.epoch, lease.epoch),
        eq(datasetChunks.status, 'running'),
      ),
    )
    .returning({ chunkIndex: datasetChunks.chunkIndex });
  return concluded.length > 0;
}

/**
 * Withdraws every chunk that is not done: no worker that holds one can write its rows any more. First those that nobody
 * writes at the moment: to wait for the others in one go would be to run after the workers, chunk by chunk.
 */
export async function withdrawDataset(db: Executor, datasetId: string): Promise<void> {
  for (const patience of [sql`for update skip locked`, sql`for update`]) {
    await db.execute(sql`
      with open as (
        select chunk_index from muster.dataset_chunks
        where dataset_id = ${datasetId} and status in ('pending', 'running') ${patience}
      )
      update muster.dataset_chunks c set status = 'cancelled', epoch = epoch + 1, finished_at = clock_timestamp()
      from open where c.dataset_id = ${datasetId} and c.chunk_index = open.chunk_index`);
  }
}

export interface DatasetTally {
  chunks: number;
  chunksDone: number;
  officesDone: number;
}

/** Where each of these datasets stands; one without chunks is not in it, unless a restore brought its offices back. */
export async function tallyDatasets(db: Executor, datasetIds: string[]): Promise<Map<string, DatasetTally>> {
  if (datasetIds.length === 0) return new Map();
  const rows = await db
    .select({
      datasetId: datasetChunks.datasetId,
      chunks: sql<number>`count(*)::int`,
      chunksDone: sql<number>`(count(*) filter (where status = 'done'))::int`,
      officesDone: sql<number>`coalesce(sum(offices) filter (where status = 'done'), 0)::int`,
    })
    .from(datasetChunks)
    .where(inArray(datasetChunks.datasetId, datasetIds))
    .groupBy(datasetChunks.datasetId);
  const tallies = new Map(rows.map(({ datasetId, ...tally }) => [datasetId, tally]));
  const unplanned = datasetIds.filter(id => !tallies.has(id));
  for (const [id, officesDone] of await countOffices(db, unplanned))
    tallies.set(id, { chunks: 0, chunksDone: 0, officesDone });
  return tallies;
}

async function countOffices(db: Executor, datasetIds: string[]): Promise<[string, number][]> {
  if (datasetIds.length === 0) return [];
  const rows = await db
    .select({ id: offices.datasetId, made: sql<number>`count(*)::int` })
    .from(offices)
    .where(and(eq(offices.isTestData, true), inArray(offices.datasetId, datasetIds)))
    .groupBy(offices.datasetId);
  return rows.flatMap(({ id, made }) => (id === null ? [] : [[id, made]]));
}

/** The indexes of a dataset's chunks that are not done, in order. */
export async function openDatasetChunks(db: Executor, datasetId: string): Promise<number[]> {
  const rows = await db
    .select({ chunkIndex: datasetChunks.chunkIndex })
    .from(datasetChunks)
    .where(and(eq(datasetChunks.datasetId, datasetId), inArray(datasetChunks.status, ['pending', 'running'])))
    .orderBy(datasetChunks.chunkIndex);
  return rows.map(row => row.chunkIndex);
}

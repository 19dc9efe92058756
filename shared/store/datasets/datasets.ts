import { and, desc, eq, gte, inArray, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import { datasets } from '../../../drizzle/platform/schema/datasets.ts';
import { jobs } from '../../../drizzle/platform/schema/jobs.ts';
import { type DatasetTable, datasetTables } from '../../contracts/datasets.ts';
import { terminalStatuses } from '../../contracts/job.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { countOpenJobs, type JobRow } from '../jobs/jobs.ts';
import { shareTestData } from '../test-data-lock.ts';

/** What was asked of datasets, in Muster's database. A dataset's status is its job's. */
export type DatasetRow = typeof datasets.$inferSelect;
export interface DatasetWithJob {
  dataset: DatasetRow;
  job: JobRow;
}

/** Writes a dataset, in place of one that was deleted; gives false when it stands already. */
export async function insertDataset(tx: Executor, dataset: typeof datasets.$inferInsert): Promise<boolean> {
  const inserted = await tx
    .insert(datasets)
    .values(dataset)
    .onConflictDoUpdate({
      target: datasets.id,
      set: { ...dataset, plannedRun: -1, createdAt: sql`now()`, deletedAt: null },
      setWhere: isNotNull(datasets.deletedAt),
    })
    .returning({ id: datasets.id });
  return inserted.length > 0;
}

export async function findDataset(db: Executor, id: string): Promise<DatasetWithJob | undefined> {
  const [row] = await db
    .select({ dataset: datasets, job: jobs })
    .from(datasets)
    .innerJoin(jobs, eq(jobs.id, datasets.jobId))
    .where(and(eq(datasets.id, id), isNull(datasets.deletedAt)));
  return row;
}

/** Datasets, newest first: `before` is the job id of the last one seen (job ids are time-ordered). */
export function listDatasets(
  db: Executor,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<DatasetWithJob[]> {
  return db
    .select({ dataset: datasets, job: jobs })
    .from(datasets)
    .innerJoin(jobs, eq(jobs.id, datasets.jobId))
    .where(and(isNull(datasets.deletedAt), before === undefined ? undefined : lt(datasets.jobId, before)))
    .orderBy(desc(datasets.jobId))
    .limit(limit);
}

/** Notes that the chunks stand for this run, and the password's hash, which is the same whoever made it. */
export async function markDatasetPlanned(
  db: Executor,
  id: string,
  plan: { run: number; passwordHash: string },
): Promise<void> {
  await db
    .update(datasets)
    .set({ plannedRun: plan.run, passwordHash: plan.passwordHash })
    .where(eq(datasets.id, id));
}

export async function forgetDataset(db: Executor, id: string): Promise<void> {
  await db.update(datasets).set({ deletedAt: sql`now()` }).where(eq(datasets.id, id));
}

/**
 * After a restore: datasets that it brought back are listed again, those that it took away no longer, and can be made
 * anew. One whose job was asked for meanwhile is left to that: it makes its rows after the restore.
 */
export async function followRestore(db: Executor, applicationDb: Executor): Promise<void> {
  await applicationDb.transaction(async tx => {
    await shareTestData(tx); // nobody deletes one between the look at its rows and the note of it
    const rows = await tx.execute<{ id: string }>(sql`
      select dataset_id as id from staffs where is_test_data and is_system and dataset_id is not null`);
    const isPresent = sql`${datasets.id} = any (${`{${rows.map(({ id }) => id).join(',')}}`}::uuid[])`;
    const atRest = db.select({ id: jobs.id }).from(jobs).where(inArray(jobs.status, terminalStatuses));
    await db
      .update(datasets)
      .set({ deletedAt: sql`case when ${isPresent} then null else now() end` })
      .where(
        and(
          gte(datasets.plannedRun, 0),
          sql`(${datasets.deletedAt} is null) <> (${isPresent})`,
          or(isPresent, inArray(datasets.jobId, atRest)),
        ),
      );
  });
}

/**
 * In the transaction of a restore, alone with the test data: what is there from now on is what the rows say. A chunk that
 * somebody still holds of a job that has ended can no longer be written.
 */
export const forgetChunks = 'delete from muster.dataset_chunks';

/** Whether the application has rows of a dataset: a restore may have put them there, of one that is not listed. */
export async function hasDatasetRows(applicationDb: Executor, id: string): Promise<boolean> {
  const [row] = await applicationDb.execute<{ found: boolean }>(sql`
    select exists (select from staffs where is_test_data and dataset_id = ${id}) as found`);
  return row?.found ?? false;
}

/**
 * A snapshot of half a dataset, or a restore in the middle of one, is nothing that anybody wants. Looked at when it is
 * asked for, and again when its own view of the rows is fixed; then with `since`, when the asking job began: a dataset
 * may have come and gone in between.
 */
export async function assertDatasetsAtRest(db: Executor, since?: Date): Promise<void> {
  if ((await countOpenJobs(db, 'datasets.', since)) === 0) return;
  throw new AppError('conflict', 'A dataset is being generated or deleted', {
    hint: 'Wait for its job, or cancel it: GET /api/jobs?status=running',
  });
}

/**
 * Deletes a dataset's rows and its chunks, children first; call in a transaction.
 * @throws SQLSTATE 23503 when a row that is not of the dataset refers to one that is
 */
export async function deleteDatasetRows(
  tx: Executor,
  datasetId: string,
): Promise<Record<DatasetTable, number>> {
  await tx.execute(sql`delete from muster.dataset_chunks where dataset_id = ${datasetId}`);
  const deleted: Partial<Record<DatasetTable, number>> = {};
  for (const table of datasetTables.toReversed()) {
    const { count } = await tx.execute(sql`
      delete from ${sql.identifier(table)} where is_test_data and dataset_id = ${datasetId}`);
    deleted[table] = count;
  }
  return { ...noRows, ...deleted };
}

const noRows: Record<DatasetTable, number> = {
  staffs: 0,
  offices: 0,
  office_staffs: 0,
  welfare_recipients: 0,
  office_welfare_recipients: 0,
  support_plan_cycles: 0,
};

import { and, desc, eq, getTableColumns, isNull, lt, sql } from 'drizzle-orm';
import { bulkUserBatches } from '../../../drizzle/platform/schema/bulk-users.ts';
import { jobs } from '../../../drizzle/platform/schema/jobs.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import type { JobRow } from '../jobs/jobs.ts';
import { jsonAsWritten } from '../json-columns.ts';

/** What was asked of bulk creation, in Muster's database. A batch's status is its job's. */
export type BatchRow = typeof bulkUserBatches.$inferSelect;
/** What to select to get `BatchRow`s: all columns, custom attributes with their numbers as they were sent. */
export const batchColumns = {
  ...getTableColumns(bulkUserBatches),
  config: jsonAsWritten(bulkUserBatches.config),
};
export interface BatchWithJob {
  batch: BatchRow;
  job: JobRow;
}

/** Writes a batch; gives false when its id is taken. */
export async function insertBatch(
  tx: Executor,
  batch: typeof bulkUserBatches.$inferInsert,
): Promise<boolean> {
  const inserted = await tx
    .insert(bulkUserBatches)
    .values(batch)
    .onConflictDoNothing({ target: bulkUserBatches.id })
    .returning({ id: bulkUserBatches.id });
  return inserted.length > 0;
}

export async function findBatch(db: Executor, id: string): Promise<BatchWithJob | undefined> {
  const [row] = await db
    .select({ batch: batchColumns, job: jobs })
    .from(bulkUserBatches)
    .innerJoin(jobs, eq(jobs.id, bulkUserBatches.jobId))
    .where(eq(bulkUserBatches.id, id));
  return row;
}

/** Batches, newest first: `before` is the job id of the last one seen (job ids are time-ordered). */
export function listBatches(
  db: Executor,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<BatchWithJob[]> {
  return db
    .select({ batch: batchColumns, job: jobs })
    .from(bulkUserBatches)
    .innerJoin(jobs, eq(jobs.id, bulkUserBatches.jobId))
    .where(before === undefined ? undefined : lt(bulkUserBatches.jobId, before))
    .orderBy(desc(bulkUserBatches.jobId))
    .limit(limit);
}

export async function countBatches(db: Executor): Promise<number> {
  const [row] = await db.select({ total: sql<number>`count(*)::int` }).from(bulkUserBatches);
  return row?.total ?? 0;
}

/** The username patterns of the newest batches, each once. */
export async function listUsernamePatterns(db: Executor, limit: number): Promise<string[]> {
  const newest = db
    .select({ pattern: sql<string>`${bulkUserBatches.config}->>'username_pattern'`.as('pattern') })
    .from(bulkUserBatches)
    .orderBy(desc(bulkUserBatches.jobId))
    .limit(limit)
    .as('newest');
  const rows = await db.selectDistinct({ pattern: newest.pattern }).from(newest);
  return rows.map(({ pattern }) => pattern);
}

/** Keeps the hash that was made first, whoever made it, and gives the one in force. */
export async function settlePasswordHash(db: Executor, id: string, hash: string): Promise<string> {
  await db
    .update(bulkUserBatches)
    .set({ passwordHash: hash })
    .where(and(eq(bulkUserBatches.id, id), isNull(bulkUserBatches.passwordHash)));
  const [row] = await db
    .select({ hash: bulkUserBatches.passwordHash })
    .from(bulkUserBatches)
    .where(eq(bulkUserBatches.id, id));
  return row?.hash ?? hash;
}

export async function markPlanned(db: Executor, id: string, run: number): Promise<void> {
  await db.update(bulkUserBatches).set({ plannedRun: run }).where(eq(bulkUserBatches.id, id));
}

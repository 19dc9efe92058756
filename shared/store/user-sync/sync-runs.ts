import { and, desc, eq, inArray, lt, ne, sql } from 'drizzle-orm';
import { jobs } from '../../../drizzle/platform/schema/jobs.ts';
import { syncRuns } from '../../../drizzle/platform/schema/user-sync.ts';
import type { SyncTarget } from '../../contracts/user-sync.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import type { JobRow } from '../jobs/jobs.ts';

/** What was asked of syncs. A run's status and result are its job's. */
export type SyncRunRow = typeof syncRuns.$inferSelect;
export interface SyncRunWithJob {
  run: SyncRunRow;
  job: JobRow;
}

/** The name of a target: two sync runs may not work on the same one at once. */
export function targetKeyOf(target: SyncTarget): string {
  if (target.type === 'http') return `http:${target.base_url}`;
  return target.type === 'file' ? `file:${target.name}` : 'load_tester';
}

const open = inArray(jobs.status, ['queued', 'running']);

/** Keeps others from asking for a sync of this target, and from beginning one, until the transaction ends. */
async function lockTarget(tx: Executor, targetKey: string): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`muster:user-sync:${targetKey}`}, 0))`,
  );
}

/** The job of a sync of this target that has not ended, dry runs aside; holds the target until the commit. */
export async function findOpenSync(tx: Executor, targetKey: string): Promise<string | undefined> {
  await lockTarget(tx, targetKey);
  const [row] = await tx
    .select({ id: jobs.id })
    .from(syncRuns)
    .innerJoin(jobs, eq(jobs.id, syncRuns.jobId))
    .where(and(eq(syncRuns.targetKey, targetKey), eq(syncRuns.dryRun, false), open))
    .limit(1);
  return row?.id;
}

export const syncRunning = (targetKey: string, jobId: string): AppError =>
  new AppError('sync_running', `A sync of ${targetKey} has not ended: job ${jobId}`, {
    hint: `Wait for it, or cancel it: POST /api/jobs/${jobId}/cancel. A dry run may start at any time.`,
  });

export async function insertSyncRun(tx: Executor, run: typeof syncRuns.$inferInsert): Promise<void> {
  await tx.insert(syncRuns).values(run);
}

export async function findSyncRun(db: Executor, id: string): Promise<SyncRunWithJob | undefined> {
  const [row] = await db
    .select({ run: syncRuns, job: jobs })
    .from(syncRuns)
    .innerJoin(jobs, eq(jobs.id, syncRuns.jobId))
    .where(eq(syncRuns.id, id));
  return row;
}

/** Runs, newest first: `before` is the id of the last one seen (ids are time-ordered). */
export function listSyncRuns(
  db: Executor,
  { before, targetKey, limit }: { before?: string | undefined; targetKey?: string; limit: number },
): Promise<SyncRunWithJob[]> {
  return db
    .select({ run: syncRuns, job: jobs })
    .from(syncRuns)
    .innerJoin(jobs, eq(jobs.id, syncRuns.jobId))
    .where(
      and(
        before === undefined ? undefined : lt(syncRuns.id, before),
        targetKey === undefined ? undefined : eq(syncRuns.targetKey, targetKey),
      ),
    )
    .orderBy(desc(syncRuns.id))
    .limit(limit);
}

/**
 * Takes the target for a run, unless another run has it: that of a job that ended without a word has it no longer.
 * @throws AppError `sync_running`
 */
export async function holdTarget(db: Executor, run: SyncRunRow): Promise<void> {
  if (run.dryRun) return;
  await db.transaction(async tx => {
    await lockTarget(tx, run.targetKey);
    const [other] = await tx
      .select({ id: syncRuns.id, jobId: syncRuns.jobId, status: jobs.status })
      .from(syncRuns)
      .innerJoin(jobs, eq(jobs.id, syncRuns.jobId))
      .where(and(eq(syncRuns.targetKey, run.targetKey), syncRuns.active, ne(syncRuns.id, run.id)));
    if (other !== undefined && (other.status === 'queued' || other.status === 'running'))
      throw syncRunning(run.targetKey, other.jobId);
    if (other !== undefined)
      await tx.update(syncRuns).set({ active: false }).where(eq(syncRuns.id, other.id));
    await tx.update(syncRuns).set({ active: true }).where(eq(syncRuns.id, run.id));
  });
}

/** The end of a run: the target is free, and the lists of its chunks, as far as nobody is told of them, are no longer needed. */
export async function endSyncRun(db: Executor, id: string): Promise<void> {
  await db.transaction(async tx => {
    await tx.update(syncRuns).set({ active: false }).where(eq(syncRuns.id, id));
    await tx.execute(sql`
      update sync_chunks set usernames = '{}', faults = jsonb_path_query_array(faults, '$[0 to 99]')
      where run_id = ${id} and (usernames <> '{}' or jsonb_array_length(faults) > 100)`);
  });
}

/** What the first look at both sides found. */
export type SyncPlan = Pick<
  SyncRunRow,
  | 'plannedRun'
  | 'mode'
  | 'applicationUsers'
  | 'targetUsers'
  | 'unchanged'
  | 'comparedBytes'
  | 'clockSkewMs'
  | 'syncTimestamp'
  | 'applicationXmin'
>;

/** Before the first look, or another one: what an earlier one found does not count, and no lane that is left of it may work. */
export async function forgetSyncPlan(tx: Executor, run: SyncRunRow): Promise<void> {
  const nothing = {
    plannedRun: -1,
    applicationUsers: 0,
    targetUsers: 0,
    unchanged: 0,
    comparedBytes: 0,
    syncTimestamp: null,
  };
  await tx.update(syncRuns).set(nothing).where(eq(syncRuns.id, run.id));
  Object.assign(run, nothing);
}

export async function saveSyncPlan(tx: Executor, id: string, plan: SyncPlan): Promise<void> {
  await tx.update(syncRuns).set(plan).where(eq(syncRuns.id, id));
}

/**
 * Where a sync by time has to look for what was written before a moment and committed after it: the oldest transaction
 * that the last run up to that moment may not have seen. Undefined when no such run is known.
 */
export async function xminBefore(
  db: Executor,
  targetKey: string,
  moment: string,
): Promise<string | undefined> {
  const [row] = await db.execute<{ xmin: string }>(sql`
    select application_xmin::text as xmin from sync_runs
    where target_key = ${targetKey} and not dry_run and sync_timestamp <= ${moment}::timestamptz
      and application_xmin is not null
    order by created_at desc limit 1`);
  return row?.xmin;
}

/** When the last scheduled run was submitted. */
export async function lastScheduledAt(db: Executor): Promise<Date | undefined> {
  const [row] = await db
    .select({ createdAt: syncRuns.createdAt })
    .from(syncRuns)
    .where(eq(syncRuns.trigger, 'schedule'))
    .orderBy(desc(syncRuns.createdAt))
    .limit(1);
  return row?.createdAt;
}

import { desc, eq, getTableColumns, gt, sql } from 'drizzle-orm';
import { workers } from '../../drizzle/platform/schema/jobs.ts';
import type { QueueActivity, WorkerStatus } from '../contracts/worker.ts';
import type { Executor } from '../platform/postgres/db.ts';

export type WorkerRow = typeof workers.$inferSelect;

/** A worker that was not heard of for this long counts as lost. Five heartbeats of two seconds. */
const workerLostAfterMs = 10_000;

export interface WorkerIdentity {
  id: string;
  name: string;
  host: string;
  pid: number;
  version: string;
  /** Shards of load tests that it runs at once. */
  loadSlots: number;
}

/** Writes a heartbeat; the first one registers the worker. */
export async function beat(
  db: Executor,
  identity: WorkerIdentity,
  queues: Record<string, QueueActivity>,
): Promise<void> {
  await db
    .insert(workers)
    .values({ ...identity, queues })
    .onConflictDoUpdate({ target: workers.id, set: { queues, lastSeenAt: sql`now()` } });
}

export async function markWorkerStopped(db: Executor, id: string): Promise<void> {
  await db.update(workers).set({ stoppedAt: sql`now()`, lastSeenAt: sql`now()` }).where(eq(workers.id, id));
}

const lost = sql`${workers.lastSeenAt} < now() - ${workerLostAfterMs} * interval '1 millisecond'`;
const status = sql<WorkerStatus>`case
  when ${workers.stoppedAt} is not null then 'stopped' when ${lost} then 'lost' else 'alive' end`;

/** A condition on `workers`, for queries of other families. */
export const workerIsAlive = sql`(${workers.stoppedAt} is null and not ${lost})`;

/** Workers heard of in the last hour, newest first. */
export function listWorkers(db: Executor): Promise<(WorkerRow & { status: WorkerStatus })[]> {
  return db
    .select({ ...getTableColumns(workers), status })
    .from(workers)
    .where(gt(workers.lastSeenAt, sql`now() - interval '1 hour'`))
    .orderBy(desc(workers.startedAt), desc(workers.id))
    .limit(1000);
}

export async function countAliveWorkers(db: Executor): Promise<number> {
  const [row] = await db
    .select({ alive: sql<number>`count(*) filter (where ${status} = 'alive')::int` })
    .from(workers);
  return row?.alive ?? 0;
}

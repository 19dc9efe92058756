import { and, desc, eq, getTableColumns, gt, not, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
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

/** Long enough that somebody who looks sees that a worker was lost, with the one that came in its place. */
const replacedShownMs = 180_000;

const successor = alias(workers, 'successor');
/** Lost for a while, and another of its name was started on its host since. */
const replaced = sql`(${workers.stoppedAt} is null
  and ${workers.lastSeenAt} < now() - ${replacedShownMs} * interval '1 millisecond'
  and exists (select from ${workers} as ${successor} where ${successor.name} = ${workers.name}
    and ${successor.host} = ${workers.host} and ${successor.startedAt} > ${workers.lastSeenAt}))`;

/**
 * Workers heard of in the last hour, newest first, without those that are lost and replaced. A lost one is at work on
 * nothing, whatever its last heartbeat said.
 */
export async function listWorkers(db: Executor): Promise<(WorkerRow & { status: WorkerStatus })[]> {
  const rows = await db
    .select({ ...getTableColumns(workers), status })
    .from(workers)
    .where(and(gt(workers.lastSeenAt, sql`now() - interval '1 hour'`), not(replaced)))
    .orderBy(desc(workers.startedAt), desc(workers.id))
    .limit(1000);
  return rows.map(row => (row.status === 'lost' ? { ...row, queues: idle(row.queues) } : row));
}

const idle = (queues: WorkerRow['queues']): WorkerRow['queues'] =>
  Object.fromEntries(Object.entries(queues).map(([name, activity]) => [name, { ...activity, active: 0 }]));

export async function countAliveWorkers(db: Executor): Promise<number> {
  const [row] = await db
    .select({ alive: sql<number>`count(*) filter (where ${status} = 'alive')::int` })
    .from(workers);
  return row?.alive ?? 0;
}

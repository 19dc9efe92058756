import { isDeepStrictEqual } from 'node:util';
import { defaultRepeatStrategy, ErrorCode } from 'bullmq';
import { backoffMs, sleep } from '../../kernel/time.ts';
import type { BullJob } from './payload.ts';
import type { BullQueue } from './seam.ts';

export interface Schedule {
  id: string;
  /** Five fields of cron: minute, hour, day of month, month, day of week. */
  pattern: string;
  /** A name of the IANA time zone database. */
  timeZone: string;
}

const attempts = 12;

/** A moment that nobody took, since no worker was there, is made up for within this time. Later the schedule starts anew. */
const longestLateMs = 60 * 60_000;

/** The clocks of two workers may differ by this much. */
const longestSkewMs = 5 * 60_000;

/**
 * Makes `queue` follow a schedule; one that it follows already is left alone, since BullMQ would drop a moment that is
 * due just then. BullMQ's Postgres backend takes a schedule without a lock (measured on 6.7): of processes that ask
 * within the same milliseconds, as workers do that start together, all but one may be told that the next moment has a
 * job already. Such a one looks whether the schedule that is kept is its own, and asks again when it is another.
 */
export async function keepSchedule(queue: BullQueue, schedule: Schedule, job: BullJob): Promise<void> {
  const { jobId: _jobId, ...opts } = job.opts; // the schedule makes an id of its own for every moment
  const { id, pattern, timeZone: tz } = schedule;
  const template = { data: job.data, opts };
  for (let attempt = 1; ; attempt++) {
    const kept = await queue.getJobScheduler(id);
    const isOurs = kept?.pattern === pattern && kept.tz === tz && isDeepStrictEqual(kept.template, template);
    if (isOurs && (await isGoingOn(queue, schedule, kept.next ?? 0))) return;
    try {
      await queue.upsertJobScheduler(id, { pattern, tz }, { name: job.name, ...template });
      return;
    } catch (error) {
      if (!isCollision(error) || attempt === attempts) throw error;
    }
    await sleep(backoffMs(attempt, 10, 500));
  }
}

/** Whether the next moment is one that the schedule has at this time, and will come or has come just now. */
async function isGoingOn(queue: BullQueue, schedule: Schedule, next: number): Promise<boolean> {
  const { id, pattern, timeZone: tz } = schedule;
  const now = Date.now();
  // One that lies beyond the next was made by a clock that was wrong: nothing would come before it.
  if (next > now) return next <= (defaultRepeatStrategy(now + longestSkewMs, { pattern, tz }) ?? next);
  if (next < now - longestLateMs) return false;
  if (pending.has(await queue.getJobState(`repeat:${id}:${next}`))) return true;
  const kept = await queue.getJobScheduler(id); // it goes on when its job is taken, which may have been just now
  return kept?.next !== next;
}

const pending: ReadonlySet<string> = new Set(['delayed', 'waiting', 'prioritized', 'active']);

const isCollision = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === ErrorCode.SchedulerJobIdCollision;

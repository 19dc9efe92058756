import { z } from 'zod';
import { defineQueue } from '../platform/queue/contract.ts';
import { defineJob, type Outcome } from './job.ts';

/**
 * User sync: the application's users on one side, the accounts of a load tester on the other. One job a run (the
 * conductor: compares digests, writes down which users differ, concludes) and one task a lane: each lane takes chunk
 * after chunk until none is left, so that as many chunks are worked on at once as there are lanes, on any worker.
 */
export const syncDirections = ['push', 'pull', 'bidirectional'] as const;
export type SyncDirection = (typeof syncDirections)[number];
export const conflictPolicies = ['newest', 'application', 'load_tester'] as const;
export type ConflictPolicy = (typeof conflictPolicies)[number];

/** The other side, without its secrets. */
export type SyncTarget =
  | { type: 'load_tester' }
  | { type: 'http'; base_url: string }
  | { type: 'file'; name: string };

export interface SyncFilter {
  batch_id?: string | undefined;
  test_users_only: boolean;
  modified_since?: string | undefined;
}

/** What went wrong, or was decided, for one user or for the whole run. */
const syncFaultSchema = z.object({
  kind: z.enum(['network', 'format', 'authentication', 'conflict']),
  code: z.string(),
  message: z.string(),
  username: z.string().optional(),
  /** Of a conflict: whose state won; absent when nobody's did. */
  resolution: z.enum(['application', 'load_tester']).optional(),
  /** For a conflict: the fields in which the two sides differed. */
  fields: z.array(z.string()).optional(),
});
export type SyncFault = z.infer<typeof syncFaultSchema>;
export type SyncFaultKind = SyncFault['kind'];

export const syncResultSchema = z.object({
  success: z.boolean(),
  /** Users of the filter that are now the same on both sides. */
  synced_count: z.int(),
  failed_count: z.int(),
  created: z.int(),
  updated: z.int(),
  deleted: z.int(),
  unchanged: z.int(),
  conflicts: z.int(),
  /** The first hundred. */
  errors: z.array(syncFaultSchema),
  /** For the next run's `modified_since`; null when this one left something undone, which a later moment would hide. */
  sync_timestamp: z.iso.datetime().nullable(),
  /** Seconds. */
  duration: z.number(),
  bytes_sent: z.int(),
  /** Whether the digests of both sides were the same afterwards. */
  in_sync: z.boolean(),
  dry_run: z.boolean(),
  /** The target's clock minus the application's. */
  clock_skew_ms: z.int(),
});
export type SyncResult = z.infer<typeof syncResultSchema>;

function outcomeOfSync({ success, failed_count, synced_count, errors }: SyncResult): Outcome {
  if (success) return { status: 'succeeded' };
  if (synced_count > 0) return { status: 'partially_succeeded' };
  const message = errors[0]?.message ?? `${failed_count} users could not be synced`;
  return { status: 'failed', error: { code: 'no_user_synced', message } };
}

const pointer = z.strictObject({ sync_run_id: z.uuid() });

export const userSyncRun = defineJob({
  name: 'user-sync.run',
  input: pointer,
  output: syncResultSchema,
  outcome: outcomeOfSync,
  // A conductor mostly waits, and goes on where the last one stopped: hence many tries, and no drain.
  options: { concurrency: 4, attempts: 12, backoffMs: 1000, keepSeconds: 86_400, drainMs: 0 },
});

export const userSyncLane = defineQueue({
  name: 'user-sync.lane',
  payload: z.strictObject({
    sync_run_id: z.uuid(),
    lane: z.int().min(0),
    /** The job's run: a retry hands its lanes out under new ids. */
    run: z.int().min(0),
    /** Lanes are handed out anew when chunks that were only counted are to be done. */
    mode: z.enum(['plan', 'apply', 'copy']),
  }),
  result: z.object({ chunks: z.int() }),
  jobId: ({ sync_run_id, lane, run, mode }) => `${sync_run_id}-${run}-${mode}-${lane}`,
  options: { concurrency: 4, attempts: 5, backoffMs: 200, keepSeconds: 3600, drainMs: 0 },
});

/** Comes every minute, whatever the settings say: it looks whether a scheduled sync is due. */
export const userSyncTick = defineQueue({
  name: 'user-sync.tick',
  payload: z.strictObject({}),
  result: z.object({ job_id: z.uuid().nullable() }),
  jobId: () => 'by-hand',
  options: { concurrency: 1, attempts: 3, backoffMs: 1000, keepSeconds: 3600 },
});

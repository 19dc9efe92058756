import { z } from 'zod';
import { bulkUsersCleanup, type CleanupInput } from '../../../../shared/contracts/bulk-cleanup.ts';
import {
  cleanUpOperation,
  deleteBatchOperation,
  identifyUsersOperation,
  listCleanupCandidatesOperation,
} from '../../../../shared/http/bulk-lifecycle.ts';
import { instant } from '../../../../shared/http/fields.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { listUsernamePatterns } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import {
  assertFreeForCleanup,
  takeForCleanup,
} from '../../../../shared/store/bulk-users/bulk-cleanup-batches.ts';
import { listCleanupCandidates } from '../../../../shared/store/bulk-users/cleanup-candidates.ts';
import { tallyCleanup } from '../../../../shared/store/bulk-users/cleanup-tallies.ts';
import { findPulledBatch } from '../../../../shared/store/bulk-users/pulled-batches.ts';
import type { JobRow } from '../../../../shared/store/jobs/jobs.ts';
import { readSettings } from '../../../../shared/store/settings.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';
import { tellDeed } from '../../deed.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, type CallContext, ok, type Route, route } from '../../route.ts';
import { submitJob } from '../../submit-job.ts';
import { identify } from './identify.ts';
import { presentCandidate } from './present.ts';

interface LifecycleDeps {
  applicationDb: Executor;
  users: UserTable;
  queue: QueueClient;
}

const dayMs = 86_400_000;
/** Users named as the newest batches name theirs are looked for; older ones are long forgotten. */
const patternsLookedFor = 50;

export const lifecycleRoutes = (deps: LifecycleDeps): Route[] => [
  route(deleteBatchOperation, async ({ params: { batch_id }, ...call }) =>
    acceptedJob(await submitCleanup(deps, call, { batch_id, dry_run: false })),
  ),

  route(cleanUpOperation, async ({ body, ...call }) => {
    const { batch_id, older_than_days = 0, dry_run, confirm } = body;
    if (batch_id !== undefined) return acceptedJob(await submitCleanup(deps, call, { batch_id, dry_run }));
    if (!dry_run && !confirm) await assertNotNeeded(call.db, older_than_days);
    return acceptedJob(await submitCleanup(deps, call, { older_than_days, dry_run }));
  }),

  route(listCleanupCandidatesOperation, async ({ query: { cursor, limit, older_than_days }, db }) => {
    const days = older_than_days ?? (await readSettings(db)).retention_days;
    const now = Date.now();
    const last = decodeCursor(cursor, z.tuple([instant, z.uuid()]));
    const rows = await listCleanupCandidates(
      { db, applicationDb: deps.applicationDb },
      { createdBefore: new Date(now - days * dayMs) },
      { after: last && { createdAt: new Date(last[0]), id: last[1] }, limit: limit + 1 },
    );
    const tallies = await tallyCleanup(deps.applicationDb, rows);
    const page = pageFrom(
      rows,
      limit,
      ({ createdAt, id }) => [createdAt.toISOString(), id],
      row => presentCandidate(row, { users: tallies.get(row.id)?.left ?? 0, now }),
    );
    return ok({ ...page, older_than_days: days });
  }),

  route(identifyUsersOperation, async ({ db }) =>
    ok(await identify(deps, await listUsernamePatterns(db, patternsLookedFor))),
  ),
];

/**
 * Submits a cleanup. One batch is the job's from this transaction on, so that of two requests at once one is refused;
 * batches by age are taken when the job starts, and one that a sync brought is nobody's.
 */
async function submitCleanup(deps: LifecycleDeps, call: CallContext, input: CleanupInput): Promise<JobRow> {
  const jobId = newId();
  const batchId = 'batch_id' in input ? input.batch_id : undefined;
  const own = batchId === undefined || (await wasPulled(deps, call.db, batchId)) ? undefined : batchId;
  if (own !== undefined) await assertFreeForCleanup(call.db, own);
  const job = await submitJob(call, deps.queue, bulkUsersCleanup, input, jobId);
  if (own !== undefined && !input.dry_run) {
    await takeForCleanup(call.db, { jobId, selection: { batchId: own } });
    await assertFreeForCleanup(call.db, own, jobId);
  }
  const subject = 'batch_id' in input ? input.batch_id : `older than ${input.older_than_days} days`;
  await tellDeed(call, 'bulk-users.cleanup', subject, { job_id: jobId, dry_run: input.dry_run });
  return job;
}

/** Whether there are users of a batch that a sync brought, and no batch of ours to be taken. */
async function wasPulled({ applicationDb }: LifecycleDeps, db: Executor, batchId: string): Promise<boolean> {
  const found = await findPulledBatch({ db, applicationDb }, batchId);
  return found !== undefined && found.users > 0;
}

const acceptedJob = (job: JobRow) => accepted(presentJob(job), `/api/jobs/${job.id}`);

async function assertNotNeeded(db: Executor, days: number): Promise<void> {
  if (!(await readSettings(db)).confirmation_required) return;
  throw new AppError('confirmation_required', `Every batch older than ${days} days would be deleted`, {
    hint: 'See which with dry_run, then send it again with "confirm": true.',
  });
}

import { z } from 'zod';
import { bulkUsersCleanup, type CleanupInput } from '../../../../shared/contracts/bulk-cleanup.ts';
import {
  cleanUpOperation,
  deleteBatchOperation,
  identifyUsersOperation,
  listCleanupCandidatesOperation,
} from '../../../../shared/http/bulk-lifecycle.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { listUsernamePatterns } from '../../../../shared/store/bulk-batches.ts';
import { tallyCleanup } from '../../../../shared/store/bulk-cleanup.ts';
import {
  assertFreeForCleanup,
  listCleanupCandidates,
  takeForCleanup,
} from '../../../../shared/store/bulk-cleanup-batches.ts';
import type { JobRow } from '../../../../shared/store/jobs.ts';
import { readSettings } from '../../../../shared/store/settings.ts';
import type { UserTable } from '../../../../shared/store/user-table.ts';
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
    const last = decodeCursor(cursor, z.tuple([z.iso.datetime(), z.uuid()]));
    const rows = await listCleanupCandidates(
      db,
      { createdBefore: new Date(now - days * dayMs) },
      { after: last && { createdAt: new Date(last[0]), id: last[1] }, limit: limit + 1 },
    );
    const tallies = await tallyCleanup(
      deps.applicationDb,
      rows.map(({ batch }) => batch.id),
    );
    const page = pageFrom(
      rows,
      limit,
      ({ batch }) => [batch.createdAt.toISOString(), batch.id],
      row => presentCandidate(row, { users: tallies.get(row.batch.id)?.left ?? 0, now }),
    );
    return ok({ ...page, older_than_days: days });
  }),

  route(identifyUsersOperation, async ({ db }) =>
    ok(await identify(deps, await listUsernamePatterns(db, patternsLookedFor))),
  ),
];

/**
 * Submits a cleanup. One batch is the job's from this transaction on, so that of two requests at once one is refused;
 * batches by age are taken when the job starts.
 */
async function submitCleanup(
  { queue }: LifecycleDeps,
  call: CallContext,
  input: CleanupInput,
): Promise<JobRow> {
  const jobId = newId();
  if ('batch_id' in input) await assertFreeForCleanup(call.db, input.batch_id);
  const job = await submitJob(call, queue, bulkUsersCleanup, input, jobId);
  if ('batch_id' in input && !input.dry_run) {
    await takeForCleanup(call.db, { jobId, selection: { batchId: input.batch_id } });
    await assertFreeForCleanup(call.db, input.batch_id, jobId);
  }
  const subject = 'batch_id' in input ? input.batch_id : `older than ${input.older_than_days} days`;
  await tellDeed(call, 'bulk-users.cleanup', subject, { job_id: jobId, dry_run: input.dry_run });
  return job;
}

const acceptedJob = (job: JobRow) => accepted(presentJob(job), `/api/jobs/${job.id}`);

async function assertNotNeeded(db: Executor, days: number): Promise<void> {
  if (!(await readSettings(db)).confirmation_required) return;
  throw new AppError('confirmation_required', `Every batch older than ${days} days would be deleted`, {
    hint: 'See which with dry_run, then send it again with "confirm": true.',
  });
}

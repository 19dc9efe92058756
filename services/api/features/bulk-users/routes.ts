import { bulkUsersCreate } from '../../../../shared/contracts/bulk-users.ts';
import { createBulkUsersOperation } from '../../../../shared/http/bulk-users.ts';
import { validateConfigOperation } from '../../../../shared/http/config-validation.ts';
import { refused } from '../../../../shared/http/faults.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import type { HashPrice } from '../../../../shared/platform/passwords/hash-price.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { insertBatch } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { isBatchIdTaken } from '../../../../shared/store/users/user-directory.ts';
import { tellDeed } from '../../deed.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, judged, ok, type Route, route } from '../../route.ts';
import { submitJob } from '../../submit-job.ts';
import { batchRoutes } from './batch-routes.ts';
import { lifecycleRoutes } from './lifecycle-routes.ts';
import { newBatch, sealedSecrets } from './new-batch.ts';
import { readSentConfig } from './sent-config.ts';
import { templateRoutes } from './template-routes.ts';
import { validate } from './validate.ts';
import { settleWhole, type WholeDeps } from './whole-faults.ts';

export interface BulkUserRoutesDeps extends WholeDeps {
  queue: QueueClient;
  /** What so many password hashes cost. */
  priceOf: (hashes: number) => Promise<HashPrice>;
}

export const bulkUserRoutes = (deps: BulkUserRoutesDeps): Route[] => [
  judged(
    async (body, db) => (await settleWhole(deps, db, readSentConfig(body, '/config'))).faults,
    createRoute(deps),
  ),

  route(validateConfigOperation, async ({ body, db }) => ok(await validate(deps, db, body))),

  ...batchRoutes(deps),
  ...templateRoutes(deps),
  ...lifecycleRoutes(deps),
];

const createRoute = (deps: BulkUserRoutesDeps): Route =>
  route(createBulkUsersOperation, async ({ body: { count, template, config: parts }, ...call }) => {
    const sent = { count, template, parts, base: '/config' } as const;
    const { config, settings, faults } = await settleWhole(deps, call.db, sent);
    if (faults.length > 0) throw refused(faults);
    const batchId = config.test_batch_id ?? newId();
    if (config.test_batch_id !== undefined) await assertFree(deps, batchId);
    const job = await submitJob(call, deps.queue, bulkUsersCreate, { batch_id: batchId });
    const batch = {
      ...newBatch(config, count, settings.bulk_chunk_size),
      ...sealedSecrets(deps.vault, config),
    };
    if (!(await insertBatch(call.db, { ...batch, id: batchId, jobId: job.id }))) throw batchExists(batchId);
    await tellDeed(call, 'bulk-users.create', batchId, { job_id: job.id, count, template });
    return accepted(presentJob(job), `/api/jobs/${job.id}`);
  });

const batchExists = (batchId: string) =>
  new AppError('batch_exists', `The batch ${batchId} exists already`, {
    hint: 'Leave test_batch_id out, or choose another.',
  });

async function assertFree({ applicationDb, users }: BulkUserRoutesDeps, batchId: string): Promise<void> {
  if (await isBatchIdTaken(applicationDb, users, batchId)) throw batchExists(batchId);
}

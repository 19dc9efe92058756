import { bulkUsersCreate } from '../../../../shared/contracts/bulk-users.ts';
import { createBulkUsersOperation } from '../../../../shared/http/bulk-users.ts';
import { validateConfigOperation } from '../../../../shared/http/config-validation.ts';
import { faultsOfCreation, settleConfig } from '../../../../shared/http/creation-config.ts';
import { refuse, refused } from '../../../../shared/http/faults.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import type { HashPrice } from '../../../../shared/platform/hash-price.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { insertBatch } from '../../../../shared/store/bulk-batches.ts';
import { isBatchIdTaken } from '../../../../shared/store/user-directory.ts';
import type { UserTable } from '../../../../shared/store/user-table.ts';
import { readUserWidths } from '../../../../shared/store/user-table-columns.ts';
import { tellDeed } from '../../deed.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, ok, type Route, route } from '../../route.ts';
import { type Ceilings, settingsInForce } from '../../settings-in-force.ts';
import { submitJob } from '../../submit-job.ts';
import { batchRoutes } from './batch-routes.ts';
import { faultsOfDirectory } from './directory-faults.ts';
import { lifecycleRoutes } from './lifecycle-routes.ts';
import { newBatch, sealedSecrets } from './new-batch.ts';
import { templateRoutes } from './template-routes.ts';
import { findTemplate, partsOf } from './templates.ts';
import { validate } from './validate.ts';
import { faultsOfWidths } from './width-faults.ts';

export interface BulkUserRoutesDeps {
  /** The application's database: its users, and the ledger beside them. */
  applicationDb: Executor;
  /** Where the application keeps its users. */
  users: UserTable;
  queue: QueueClient;
  vault: Vault;
  ceilings: Ceilings;
  /** What so many password hashes cost. */
  priceOf: (hashes: number) => Promise<HashPrice>;
}

export const bulkUserRoutes = (deps: BulkUserRoutesDeps): Route[] => [
  route(createBulkUsersOperation, async ({ body: { count, template, config: request }, ...call }) => {
    const config = settleConfig(request, await templateParts(deps, call.db, template));
    const settings = await settingsInForce(call.db, deps.ceilings);
    const faults = [
      ...faultsOfCreation({ count, config, maxUsers: settings.max_bulk_users }),
      ...faultsOfDirectory(deps.users, config),
      ...faultsOfWidths(await readUserWidths(deps.applicationDb, deps.users), { count, config }),
    ];
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
  }),

  route(validateConfigOperation, async ({ body, db }) => ok(await validate(deps, db, body))),

  ...batchRoutes(deps),
  ...templateRoutes(deps),
  ...lifecycleRoutes(deps),
];

const batchExists = (batchId: string) =>
  new AppError('batch_exists', `The batch ${batchId} exists already`, {
    hint: 'Leave test_batch_id out, or choose another.',
  });

async function assertFree({ applicationDb, users }: BulkUserRoutesDeps, batchId: string): Promise<void> {
  if (await isBatchIdTaken(applicationDb, users, batchId)) throw batchExists(batchId);
}

/** What the request's template gives to it. */
async function templateParts({ vault }: BulkUserRoutesDeps, db: Executor, name: string) {
  const template = await findTemplate(db, name);
  if (template === undefined) throw refuse('/template', 'unknown_template', `is not known: ${name}`);
  return partsOf(template, vault);
}

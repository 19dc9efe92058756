import { z } from 'zod';
import { bulkUsersCreate } from '../../../../shared/contracts/bulk-users.ts';
import {
  createBulkUsersOperation,
  getBatchOperation,
  getBulkUserStatsOperation,
  listBatchesOperation,
  listBatchFailuresOperation,
  listBatchUsersOperation,
} from '../../../../shared/http/bulk-users.ts';
import { validateConfigOperation } from '../../../../shared/http/config-validation.ts';
import { faultsOfCreation, settleConfig } from '../../../../shared/http/creation-config.ts';
import { refuse, refused } from '../../../../shared/http/faults.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import type { HashPrice } from '../../../../shared/platform/hash-price.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import {
  type BatchWithJob,
  countBatches,
  findBatch,
  insertBatch,
  listBatches,
} from '../../../../shared/store/bulk-batches.ts';
import { listFailures } from '../../../../shared/store/bulk-ledger.ts';
import { sharesByWorker, tallyBatch, tallyBatches } from '../../../../shared/store/bulk-tallies.ts';
import { countOpenByKind } from '../../../../shared/store/jobs.ts';
import { countUsers, hasUsersOfBatch, listBatchUsers } from '../../../../shared/store/user-directory.ts';
import { isKey, type UserTable } from '../../../../shared/store/user-table.ts';
import { readUserWidths } from '../../../../shared/store/user-table-columns.ts';
import { tellDeed } from '../../deed.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, ok, type Route, route } from '../../route.ts';
import { type Ceilings, settingsInForce } from '../../settings-in-force.ts';
import { submitJob } from '../../submit-job.ts';
import { faultsOfDirectory } from './directory-faults.ts';
import { lifecycleRoutes } from './lifecycle-routes.ts';
import { newBatch, sealedSecrets } from './new-batch.ts';
import { presentBatch, presentBatchDetail, presentUser } from './present.ts';
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

const noTally = { created: 0, failed: 0, cleaned: 0 };

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

  route(listBatchesOperation, async ({ query: { cursor, limit }, db }) => {
    const rows = await listBatches(db, { before: decodeCursor(cursor, z.uuid()), limit: limit + 1 });
    const tallies = await tallyBatches(
      deps.applicationDb,
      rows.map(({ batch }) => batch.id),
    );
    const present = (row: BatchWithJob) => presentBatch(row, tallies.get(row.batch.id) ?? noTally);
    return ok(pageFrom(rows, limit, ({ batch }) => batch.jobId, present));
  }),

  route(getBatchOperation, async ({ params, db }) => {
    const found = await existing(db, params.batch_id);
    const [tally, shares] = await Promise.all([
      tallyBatch(deps.applicationDb, params.batch_id),
      sharesByWorker(deps.applicationDb, params.batch_id),
    ]);
    return ok(presentBatchDetail(found, tally, shares));
  }),

  route(listBatchUsersOperation, async ({ params: { batch_id }, query: { cursor, limit }, db }) => {
    await existing(db, batch_id);
    const key = z.string().refine(text => isKey(deps.users, text));
    const afterId = decodeCursor(cursor, key);
    const rows = await listBatchUsers(deps.applicationDb, deps.users, {
      batchId: batch_id,
      afterId,
      limit: limit + 1,
    });
    return ok(pageFrom(rows, limit, user => user.id, presentUser));
  }),

  route(listBatchFailuresOperation, async ({ params: { batch_id }, query: { cursor, limit }, db }) => {
    await existing(db, batch_id);
    const afterIndex = decodeCursor(cursor, z.int()) ?? 0;
    const rows = await listFailures(deps.applicationDb, { batchId: batch_id, afterIndex, limit: limit + 1 });
    return ok(
      pageFrom(
        rows,
        limit,
        failure => failure.index,
        failure => failure,
      ),
    );
  }),

  route(getBulkUserStatsOperation, async ({ db }) => {
    const [users, total_batches, open] = await Promise.all([
      countUsers(deps.applicationDb, deps.users),
      countBatches(db),
      countOpenByKind(db),
    ]);
    return ok({
      total_users: users.total,
      test_users: users.test,
      production_users: users.total - users.test,
      created_by_bulk: users.bulk,
      total_batches,
      ...openWork(open),
    });
  }),

  route(validateConfigOperation, async ({ body, db }) => ok(await validate(deps, db, body))),

  ...templateRoutes(deps),
  ...lifecycleRoutes(deps),
];

async function existing(db: Executor, batchId: string): Promise<BatchWithJob> {
  const found = await findBatch(db, batchId);
  if (found === undefined) throw new AppError('not_found', `There is no batch ${batchId}`);
  return found;
}

const batchExists = (batchId: string) =>
  new AppError('batch_exists', `The batch ${batchId} exists already`, {
    hint: 'Leave test_batch_id out, or choose another.',
  });

async function assertFree({ applicationDb, users }: BulkUserRoutesDeps, batchId: string): Promise<void> {
  if (await hasUsersOfBatch(applicationDb, users, batchId)) throw batchExists(batchId);
}

/** What the request's template gives to it. */
async function templateParts({ vault }: BulkUserRoutesDeps, db: Executor, name: string) {
  const template = await findTemplate(db, name);
  if (template === undefined) throw refuse('/template', 'unknown_template', `is not known: ${name}`);
  return partsOf(template, vault);
}

/** The kinds of job that work on users: an operator who drains waits until none of them is open. */
const ofUsers = /^(bulk-users|user-sync|users)\./;

function openWork(open: ReadonlyMap<string, number>) {
  const sum = (kinds: RegExp) =>
    [...open].reduce((total, [kind, jobs]) => total + (kinds.test(kind) ? jobs : 0), 0);
  return { active_operations: sum(ofUsers), open_jobs: sum(/./) };
}

import { z } from 'zod';
import {
  getBatchOperation,
  getBulkUserStatsOperation,
  listBatchesOperation,
  listBatchFailuresOperation,
  listBatchUsersOperation,
} from '../../../../shared/http/bulk-users.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import {
  type BatchWithJob,
  countBatches,
  findBatch,
  listBatches,
} from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { listFailures } from '../../../../shared/store/bulk-users/bulk-ledger.ts';
import {
  sharesByWorker,
  tallyBatch,
  tallyBatches,
} from '../../../../shared/store/bulk-users/bulk-tallies.ts';
import { countOpenByKind } from '../../../../shared/store/jobs/jobs.ts';
import { countUsers, listBatchUsers, presentUser } from '../../../../shared/store/users/user-directory.ts';
import { isKey, type UserTable } from '../../../../shared/store/users/user-table.ts';
import { ok, type Route, route } from '../../route.ts';
import { presentBatch, presentBatchDetail } from './present.ts';

interface BatchRoutesDeps {
  applicationDb: Executor;
  users: UserTable;
}

const noTally = { created: 0, failed: 0, cleaned: 0 };

/** What there is to read of batches. */
export const batchRoutes = (deps: BatchRoutesDeps): Route[] => [
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
    const afterIndex = decodeCursor(cursor, z.int32()) ?? 0;
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
];

async function existing(db: Executor, batchId: string): Promise<BatchWithJob> {
  const found = await findBatch(db, batchId);
  if (found === undefined) throw new AppError('not_found', `There is no batch ${batchId}`);
  return found;
}

/** The kinds of job that work on users: an operator who drains waits until none of them is open. */
const ofUsers = /^(bulk-users|user-sync|users)\./;

function openWork(open: ReadonlyMap<string, number>) {
  const sum = (kinds: RegExp) =>
    [...open].reduce((total, [kind, jobs]) => total + (kinds.test(kind) ? jobs : 0), 0);
  return { active_operations: sum(ofUsers), open_jobs: sum(/./) };
}

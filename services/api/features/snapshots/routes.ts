import { z } from 'zod';
import {
  type SnapshotManifest,
  shortName,
  snapshotsCreate,
  snapshotsRestore,
} from '../../../../shared/contracts/snapshots.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import {
  createSnapshotOperation,
  deleteSnapshotOperation,
  getSnapshotOperation,
  listSnapshotRowsOperation,
  listSnapshotsOperation,
  restoreSnapshotOperation,
} from '../../../../shared/http/snapshots.ts';
import { AppError, isAppError } from '../../../../shared/kernel/errors.ts';
import type { BundleStore } from '../../../../shared/platform/bundles.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { assertDatasetsAtRest, findDataset } from '../../../../shared/store/datasets/datasets.ts';
import { snapshotExists } from '../../../../shared/store/snapshots/snapshot-create.ts';
import { readManifest } from '../../../../shared/store/snapshots/snapshot-files.ts';
import { listRows } from '../../../../shared/store/snapshots/snapshot-rows.ts';
import { tellDeed } from '../../deed.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, noContent, ok, type Route, route } from '../../route.ts';
import { submitJob } from '../../submit-job.ts';
import { presentSnapshot, presentSnapshotDetail } from './present.ts';

export interface SnapshotRoutesDeps {
  queue: QueueClient;
  snapshots: BundleStore;
  applicationUrl: string;
}

export const snapshotRoutes = ({ queue, snapshots, applicationUrl }: SnapshotRoutesDeps): Route[] => [
  route(createSnapshotOperation, async ({ body, ...call }) => {
    const { name, description, dataset_id = null, tables = null } = body;
    if (await snapshots.has(name)) throw snapshotExists(name);
    await assertDatasetsAtRest(call.db);
    if (dataset_id !== null && (await findDataset(call.db, dataset_id)) === undefined)
      throw new AppError('not_found', `There is no dataset ${dataset_id}`);
    const input = { name, description, dataset_id, tables };
    const job = await submitJob(call, queue, snapshotsCreate, input);
    await tellDeed(call, 'snapshots.create', name, { job_id: job.id });
    return accepted(presentJob(job), `/api/jobs/${job.id}`);
  }),

  route(listSnapshotsOperation, async ({ query: { cursor, limit } }) => {
    const after = decodeCursor(cursor, z.string()) ?? '';
    const names = (await snapshots.names()).filter(name => name > after).slice(0, limit + 1);
    const page = pageFrom(
      names,
      limit,
      name => name,
      name => name,
    );
    const manifests = await Promise.all(page.items.map(name => readable(snapshots, name)));
    const items = manifests.filter(manifest => manifest !== undefined).map(presentSnapshot);
    return ok({ ...page, items });
  }),

  route(getSnapshotOperation, async ({ params }) =>
    ok(presentSnapshotDetail(await readManifest(snapshots, params.name))),
  ),

  route(listSnapshotRowsOperation, async ({ params: { name, table }, query }) => {
    const manifest = await readManifest(snapshots, name);
    const kept = manifest.tables.find(found => found.name === table || shortName(found.name) === table);
    if (kept === undefined) throw new AppError('not_found', `The snapshot ${name} has no table ${table}`);
    const reader = { databaseUrl: applicationUrl, store: snapshots };
    return ok({ total: kept.rows, items: await listRows(reader, manifest, kept, query) });
  }),

  route(deleteSnapshotOperation, async ({ params: { name }, ...call }) => {
    if (!(await snapshots.remove(name))) throw new AppError('not_found', `There is no snapshot ${name}`);
    await tellDeed(call, 'snapshots.delete', name);
    return noContent();
  }),

  route(restoreSnapshotOperation, async ({ params: { name }, body, ...call }) => {
    await readManifest(snapshots, name);
    await assertDatasetsAtRest(call.db);
    const job = await submitJob(call, queue, snapshotsRestore, { name, ...body });
    await tellDeed(call, 'snapshots.restore', name, { job_id: job.id });
    return accepted(presentJob(job), `/api/jobs/${job.id}`);
  }),
];

/** A snapshot whose manifest cannot be read is none; asked for by its name, it says so. */
const readable = (snapshots: BundleStore, name: string): Promise<SnapshotManifest | undefined> =>
  readManifest(snapshots, name).catch((error: unknown) => {
    if (isAppError(error, 'snapshot_damaged') || isAppError(error, 'not_found')) return undefined;
    throw error;
  });

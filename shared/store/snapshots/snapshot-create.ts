import {
  type ManifestContent,
  type SnapshotManifest,
  type SnapshotTable,
  schemaVersionOf,
  sealManifest,
} from '../../contracts/snapshots.ts';
import { AppError } from '../../kernel/errors.ts';
import type { BundleDraft, BundleStore } from '../../platform/bundles.ts';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import type { Progress } from '../../platform/queue/contract.ts';
import { digestRows, rowsOf } from './snapshot-digests.ts';
import { compress, digesting, manifestPart, partOf, readManifest } from './snapshot-files.ts';
import { closedKeys } from './snapshot-references.ts';
import {
  copyOutOf,
  describeTables,
  identifyDatabase,
  type LiveTable,
  type RowFilter,
  speakExactly,
} from './snapshot-tables.ts';
import { orderTables } from './table-order.ts';

export interface SnapshotRequest {
  name: string;
  description: string;
  jobId: string;
  /** All tables with the marker, when null. */
  tables: readonly string[] | null;
  filter: RowFilter;
}

export interface CreateOptions {
  report?: (progress: Progress) => void;
  /** Called when the moment is fixed that the snapshot is of; what it throws ends the snapshot. */
  whenFixed?: () => Promise<void>;
}

/**
 * Makes a snapshot: all tables as of one moment (one read-only transaction, repeatable read), written to a draft that
 * becomes the snapshot in one step. A job's second try finds its first one's work done, or undone.
 * @throws AppError `snapshot_exists`, `snapshot_mismatch`, `storage_full`
 */
export async function createSnapshot(
  connection: CopyConnection,
  store: BundleStore,
  request: SnapshotRequest,
  { report = () => {}, whenFixed = async () => {} }: CreateOptions = {},
): Promise<SnapshotManifest> {
  const earlier = await madeEarlier(store, request);
  if (earlier !== undefined) return earlier;
  const draft = await store.draft(request.jobId);
  try {
    const manifest = sealManifest(await writeRows(connection, draft, request, { report, whenFixed }));
    await draft.write(manifestPart, once(`${JSON.stringify(manifest, null, 2)}\n`));
    if (await draft.publish(request.name)) return manifest;
    throw snapshotExists(request.name);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

async function madeEarlier(
  store: BundleStore,
  { name, jobId }: SnapshotRequest,
): Promise<SnapshotManifest | undefined> {
  if (!(await store.has(name))) return undefined;
  const manifest = await readManifest(store, name);
  if (manifest.job_id === jobId) return manifest;
  throw snapshotExists(name);
}

async function writeRows(
  connection: CopyConnection,
  draft: BundleDraft,
  { name, description, jobId, tables: names, filter }: SnapshotRequest,
  { report, whenFixed }: Required<CreateOptions>,
): Promise<ManifestContent> {
  await speakExactly(connection);
  return connection.transaction('begin isolation level repeatable read, read only', async () => {
    const live = inOrder(await describeTables(connection, names, filter));
    await whenFixed();
    const sources = live.map(table => ({ table, from: table.name }));
    const digests = await digestRows(connection, sources, filter);
    const closed = await closedKeys(
      connection,
      live.map(({ name }) => name),
      filter,
    );
    const tables: SnapshotTable[] = [];
    for (const [index, source] of sources.entries()) {
      report({ phase: 'copying', done: index, total: live.length });
      const row_digest = digests[index] ?? '';
      const passing = digesting(connection.copyOut(copyOutOf(source, filter, source.table.encoding)));
      const stored_bytes = await draft.write(partOf(index), compress(passing));
      const rows = rowsOf(row_digest);
      const closed_keys = closed.get(source.table.name) ?? [];
      tables.push({ ...source.table, rows, stored_bytes, ...passing.digest(), row_digest, closed_keys });
    }
    report({ phase: 'copying', done: live.length, total: live.length });
    return {
      format: 2,
      name,
      description,
      created_at: new Date().toISOString(),
      job_id: jobId,
      filter,
      database: await identifyDatabase(connection),
      schema_version: schemaVersionOf(tables),
      tables,
    };
  });
}

function inOrder(tables: LiveTable[]): LiveTable[] {
  const byName = new Map(tables.map(table => [table.name, table]));
  return orderTables(
    tables.map(({ name, foreign_keys }) => ({ name, references: foreign_keys.map(key => key.references) })),
  )
    .flat()
    .map(name => byName.get(name))
    .filter(table => table !== undefined);
}

async function* once(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

export const snapshotExists = (name: string): AppError =>
  new AppError('snapshot_exists', `There is a snapshot ${name} already`, {
    hint: `Choose another name, or delete it first: DELETE /api/snapshots/${name}`,
  });

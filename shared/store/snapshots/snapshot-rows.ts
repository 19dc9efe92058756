import type { SnapshotColumn, SnapshotManifest, SnapshotTable } from '../../contracts/snapshots.ts';
import type { BundleStore } from '../../platform/bundles.ts';
import { type CopyConnection, withCopyConnection } from '../../platform/postgres/copy-connection.ts';
import { sliceBinary } from '../copy-binary.ts';
import { type JsonRow, linesOf, parseRow } from '../copy-text.ts';
import { encodingOf, readRows } from './snapshot-files.ts';
import { speakExactly } from './snapshot-tables.ts';

/** The rows of a snapshot, for people to look at. */
export interface SnapshotReader {
  /** A database that spells binary values out: any that has a PostgreSQL to it. */
  databaseUrl: string;
  store: BundleStore;
}

/** Rows of one table as JSON, from the one numbered `offset` on, `limit` of them at most. @throws AppError `snapshot_damaged` */
export async function listRows(
  { databaseUrl, store }: SnapshotReader,
  manifest: SnapshotManifest,
  kept: SnapshotTable,
  page: { offset: number; limit: number },
): Promise<JsonRow[]> {
  const rows = readRows(store, manifest, kept);
  const lines =
    encodingOf(kept) === 'text'
      ? await linesOf(rows, page)
      : await withCopyConnection(
          databaseUrl,
          { name: 'muster snapshot rows', signal: AbortSignal.timeout(60_000) },
          async connection => spell(connection, await sliceBinary(rows, page), kept.columns),
        );
  return lines.map(line => parseRow(line, kept.columns));
}

/** Binary rows as lines of text, by way of a temporary table. */
async function spell(
  connection: CopyConnection,
  rows: Buffer,
  columns: readonly SnapshotColumn[],
): Promise<string[]> {
  await speakExactly(connection);
  const list = columns.map(({ type }, index) => `column_${index} ${spelledType(type)}`);
  await connection.run(`create temp table spelled (${list.join(', ')})`);
  await connection.copyIn('copy pg_temp.spelled from stdin (format binary)', once(rows));
  return linesOf(connection.copyOut('copy pg_temp.spelled to stdout'), { offset: 0, limit: Infinity });
}

/** Of the types that go as binary only an enumeration has a schema of its own; what it sends is its label. */
const spelledType = (type: string): string => (type.includes('.') ? 'text' : type);

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

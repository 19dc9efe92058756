import type { z } from 'zod';
import { rowsByTable, type SnapshotManifest } from '../../../../shared/contracts/snapshots.ts';
import type { snapshot, snapshotDetail } from '../../../../shared/http/snapshots.ts';

export function presentSnapshot(manifest: SnapshotManifest): z.input<typeof snapshot> {
  const { name, created_at, description, checksum, schema_version, tables } = manifest;
  const bytes = tables.reduce((total, table) => total + table.stored_bytes, 0);
  return { name, created_at, description, stats: rowsByTable(manifest), bytes, checksum, schema_version };
}

export const presentSnapshotDetail = (manifest: SnapshotManifest): z.input<typeof snapshotDetail> => ({
  ...presentSnapshot(manifest),
  dataset_id: manifest.filter.dataset_id,
  database: manifest.database,
  tables: manifest.tables,
});

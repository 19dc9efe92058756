import { rowsByTable, snapshotsCreate } from '../../../../shared/contracts/snapshots.ts';
import { secondsSince } from '../../../../shared/kernel/time.ts';
import { withCopyConnection } from '../../../../shared/platform/postgres/copy-connection.ts';
import { assertDatasetsAtRest } from '../../../../shared/store/datasets/datasets.ts';
import { createSnapshot } from '../../../../shared/store/snapshots/snapshot-create.ts';
import { implementJob } from '../../job-runner.ts';
import { type SnapshotsDeps, testDataMarker } from './deps.ts';

/** Makes a snapshot. Cancelled, or killed at any moment, it leaves none; a second try begins anew. */
export const createSnapshotJob = implementJob(snapshotsCreate, (deps: SnapshotsDeps) => async call => {
  const { name, description, dataset_id, tables } = call.input;
  const startedAt = performance.now();
  const request = {
    name,
    description,
    tables,
    jobId: call.jobId,
    filter: { marker: testDataMarker, dataset_id },
  };
  const connection = { name: 'muster snapshot', signal: call.signal };
  const manifest = await withCopyConnection(deps.applicationUrl, connection, copy =>
    createSnapshot(copy, deps.snapshots, request, {
      report: call.report,
      whenFixed: () => assertDatasetsAtRest(deps.db, call.startedAt),
    }),
  );
  const stats = rowsByTable(manifest);
  return {
    name,
    stats,
    total_rows: sum(Object.values(stats)),
    bytes: sum(manifest.tables.map(table => table.stored_bytes)),
    checksum: manifest.checksum,
    schema_version: manifest.schema_version,
    seconds: secondsSince(startedAt),
  };
});

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

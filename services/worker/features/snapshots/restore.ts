import { rowsByTable, snapshotsRestore } from '../../../../shared/contracts/snapshots.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { secondsSince } from '../../../../shared/kernel/time.ts';
import { withCopyConnection } from '../../../../shared/platform/postgres/copy-connection.ts';
import { sqlMessageOf, sqlStateOf } from '../../../../shared/platform/postgres/sql-state.ts';
import {
  assertDatasetsAtRest,
  followRestore,
  forgetChunks,
} from '../../../../shared/store/datasets/datasets.ts';
import { type Restored, restoreSnapshot } from '../../../../shared/store/snapshots/snapshot-restore.ts';
import { implementJob, type JobCall } from '../../job-runner.ts';
import type { SnapshotsDeps } from './deps.ts';

type Call = JobCall<{ name: string; clean_existing: boolean; allow_other_database: boolean }>;

/** Restores a snapshot. Whatever ends it before its commit leaves the data as it was; done twice, it ends the same. */
export const restoreSnapshotJob = implementJob(snapshotsRestore, (deps: SnapshotsDeps) => async call => {
  const startedAt = performance.now();
  const { manifest, removedRows, unchangedRows, restoreSeconds } = await restore(deps, call).catch(
    (error: unknown) => {
      throw isAboutRows(error) ? rowsRefused(error) : error;
    },
  );
  await followRestore(deps.db, deps.applicationDb);
  const stats = rowsByTable(manifest);
  return {
    name: call.input.name,
    stats,
    total_rows: Object.values(stats).reduce((total, rows) => total + rows, 0),
    removed_rows: removedRows,
    unchanged_rows: unchangedRows,
    restore_seconds: restoreSeconds,
    seconds: secondsSince(startedAt),
  };
});

function restore(
  { db, applicationUrl, snapshots }: SnapshotsDeps,
  { input, signal, report }: Call,
): Promise<Restored> {
  const request = {
    name: input.name,
    cleanExisting: input.clean_existing,
    allowOtherDatabase: input.allow_other_database,
  };
  return withCopyConnection(applicationUrl, { name: 'muster restore', signal }, connection =>
    restoreSnapshot(connection, snapshots, request, {
      signal,
      report,
      async whenAlone() {
        await assertDatasetsAtRest(db);
        await connection.run(forgetChunks);
      },
    }),
  );
}

/** SQLSTATE classes 22 and 23: a value or a constraint, such as a key that a production row has. */
const isAboutRows = (error: unknown): boolean => /^2[23]/.test(sqlStateOf(error) ?? '');

const rowsRefused = (cause: unknown): AppError =>
  new AppError('conflict', `Nothing was restored: ${sqlMessageOf(cause)}`, {
    hint: 'A row that is not of the snapshot stands in the way, or refers to one that it replaces.',
    cause,
  });

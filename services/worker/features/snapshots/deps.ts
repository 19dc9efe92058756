import type { BundleStore } from '../../../../shared/platform/bundles.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { JobRunnerDeps } from '../../job-runner.ts';

export interface SnapshotsDeps extends JobRunnerDeps {
  applicationDb: Executor;
  /** The application's database, for connections that copy. */
  applicationUrl: string;
  snapshots: BundleStore;
}

/** The column that marks test data in every table that snapshots are made of. */
export const testDataMarker = 'is_test_data';

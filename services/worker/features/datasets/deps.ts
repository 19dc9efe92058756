import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import type { JobRunnerDeps } from '../../job-runner.ts';

export interface DatasetsDeps extends JobRunnerDeps {
  /** The application's database: the rows, and the ledger beside them. */
  applicationDb: Executor;
  queue: QueueClient;
}

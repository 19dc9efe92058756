import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';
import type { JobRunnerDeps } from '../../job-runner.ts';

export interface BulkUsersDeps extends JobRunnerDeps {
  /** The application's database: its users, and the ledger beside them. */
  applicationDb: Executor;
  /** The same database for the role `muster_test_data`: every write to the application's users goes over it. */
  testDataDb: Executor;
  /** Where the application keeps its users. */
  users: UserTable;
  queue: QueueClient;
  vault: Vault;
  /** Password hashes that one task makes at the same time. */
  hashesAtOnce: number;
}

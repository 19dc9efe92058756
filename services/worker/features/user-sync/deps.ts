import type { Allowlist } from '../../../../shared/kernel/allowlist.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';
import type { JobRunnerDeps } from '../../job-runner.ts';

export interface UserSyncDeps extends JobRunnerDeps {
  /** The application's database: its users, and the ledger beside them. */
  applicationDb: Executor;
  /** URLs of both databases, for the connections that copy users from one to the other. */
  applicationUrl: string;
  platformUrl: string;
  /** The same database for the role `muster_test_data`: every write to the application's users goes over it. */
  testDataDb: Executor;
  /** How the application's users table is laid out. */
  users: UserTable;
  queue: QueueClient;
  vault: Vault;
  /** Which other Musters may be talked to. */
  syncPeers: Allowlist;
  /** Where files for load testers are put. */
  exportsFolder: string;
  /** Where a scheduled sync logs accounts in, if it does. */
  storefrontUrl: string | undefined;
}

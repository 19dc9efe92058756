import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import type { LoginClient } from '../../../../shared/platform/target/login-client.ts';
import type { JobRunnerDeps } from '../../job-runner.ts';

export interface AccountSessionsDeps extends JobRunnerDeps {
  queue: QueueClient;
  vault: Vault;
  loginClient: LoginClient;
}

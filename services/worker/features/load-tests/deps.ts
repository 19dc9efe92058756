import type { Db } from '../../../../shared/platform/postgres/db.ts';
import type { JobRunnerDeps } from '../../job-runner.ts';

export interface LoadTestsDeps extends JobRunnerDeps {
  db: Db;
  /** Where workers count what they send (`send-journal.ts`). */
  sendJournals: string;
}

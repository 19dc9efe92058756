import { count } from 'drizzle-orm';
import { jobs } from '../../../drizzle/platform/schema/jobs.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/** How many jobs there are of each kind in each status, in one query. */
export const countJobs = (db: Executor) =>
  db
    .select({ kind: jobs.kind, status: jobs.status, jobs: count() })
    .from(jobs)
    .groupBy(jobs.kind, jobs.status);

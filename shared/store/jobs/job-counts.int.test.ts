import { sql as statement } from 'drizzle-orm';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { executedBy } from '../../../test/fixtures/plans.ts';
import { countJobs } from './job-counts.ts';

const databases = testDatabases();

it('counts jobs by an index that has all it asks for', async () => {
  const { sql, db } = databases.platform;
  await sql`insert into jobs (id, kind, status, payload, requested_by, finished_at)
    select uuidv7(), 'kind ' || n % 3, case when n % 10 = 0 then 'failed' else 'succeeded' end, '{}', 'ada', now()
    from generate_series(1, 900) n`;
  const counts = await countJobs(db);
  expect(counts).toHaveLength(6);
  expect(counts.reduce((sum, { jobs }) => sum + jobs, 0)).toBe(900);
  const executed = await executedBy(databases.platformUrl, async other => {
    // As the planner does by itself where there are many, and VACUUM has been there.
    await other.execute(statement`set enable_seqscan = off`);
    await countJobs(other);
  });
  expect(executed.at(-1)).toMatchObject({ scanned: [], indexes: ['jobs_kind_status'] });
});

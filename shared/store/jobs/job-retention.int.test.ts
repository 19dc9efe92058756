import { testDatabases } from '../../../test/fixtures/database.ts';
import { executedBy } from '../../../test/fixtures/plans.ts';
import { notificationsRun } from '../../contracts/deadline-notifications.ts';
import { idOf, newId } from '../../kernel/ids.ts';
import { pruneJobs } from './job-retention.ts';

const databases = testDatabases();
const { sql } = databases.platform;
const msBefore = (days: number) => Date.now() - days * 86_400_000;
const daysAgo = (days: number) => new Date(msBefore(days)).toISOString();
let jobs = 0;

/** A job of so many days ago, with an event. */
async function addJob(requestedBy: string, age: number, { kind = 'test', isOpen = false } = {}) {
  const id = idOf(msBefore(age + 1), `job ${jobs++}`);
  await sql`insert into jobs (id, kind, status, payload, requested_by, finished_at) values
    (${id}, ${kind}, ${isOpen ? 'running' : 'succeeded'}, '{}', ${requestedBy}, ${isOpen ? null : daysAgo(age)})`;
  await sql`insert into job_events (job_id, event, data) values (${id}, 'status', '{}')`;
  return id;
}

async function addLoadTest(name: string, age: number): Promise<void> {
  const [id, jobId] = [newId(), await addJob(name, age)];
  await sql`insert into load_tests (id, job_id, status, config, control, finished_at)
    values (${id}, ${jobId}, 'succeeded', '{}', '{}', ${daysAgo(age)})`;
  await sql`insert into load_ticks (load_test_id, shard, epoch, seq, second, delta) values (${id}, 0, 1, 0, 0, '{}')`;
  await sql`insert into load_timeline (load_test_id, second, point)
    select ${id}, second, '{}' from generate_series(0, 4999) as second`; // more than one statement deletes
  await sql`insert into load_events (load_test_id, event) values (${id}, '{}')`;
  await sql`insert into load_errors (load_test_id, shard, at_ms, endpoint, kind, message)
    values (${id}, 0, 0, 'a', 'timeout', '')`;
  await sql`insert into load_shards (load_test_id, shard, status, worker_id, worker, lease_until)
    values (${id}, 0, 'ended', ${newId()}, 'w', now())`;
}

async function addBatch(name: string, { cleanedUpAt = null as string | null } = {}): Promise<void> {
  const [made, cleaned] = [await addJob(name, 100), await addJob(`cleanup of ${name}`, 100)];
  await sql`insert into bulk_user_batches (id, job_id, cleanup_job_id, total_requested, chunk_size, config, cleaned_up_at)
    values (${newId()}, ${made}, ${cleaned}, 1, 1, '{}', ${cleanedUpAt})`;
}

async function addSync(name: string, age: number): Promise<void> {
  const [id, jobId] = [newId(), await addJob(name, age)];
  await sql`insert into sync_runs
    (id, job_id, target, target_key, direction, filter, conflict_policy, "full", dry_run, confirm, with_credentials, trigger, created_at)
    values (${id}, ${jobId}, '{}', 'pool', 'push', '{}', 'newest', false, false, false, false, 'request', ${daysAgo(age)})`;
  await sql`insert into sync_chunks (run_id, chunk_index, usernames) values (${id}, 0, '{}')`;
}

const countOf = async (table: string) => (await sql`select from ${sql(table)}`).length;
const namesOf = async (rows: Promise<{ name: string }[]>) => (await rows).map(({ name }) => name);
const jobsLeft = () => namesOf(sql`select requested_by as name from jobs order by 1`);
const withEvents = () =>
  namesOf(sql`select requested_by as name from jobs where id in (select job_id from job_events) order by 1`);

afterEach(
  () =>
    sql`truncate jobs, job_events, load_tests, bulk_user_batches, sync_runs, workers, datasets restart identity cascade`,
);

it('jobs that ended so long ago go with their events, others stay', async () => {
  await addJob('old', 91);
  await addJob('young', 89);
  await addJob('open', 200, { isOpen: true });
  await pruneJobs(databases.platform.db, 90);
  expect([await jobsLeft(), await withEvents()]).toEqual([
    ['open', 'young'],
    ['open', 'young'],
  ]);
});

it('0 days keep everything', async () => {
  await addJob('old', 4000);
  await pruneJobs(databases.platform.db, 0);
  expect(await jobsLeft()).toEqual(['old']);
});

it('load tests go with all that was measured, and so do the workers that are gone', async () => {
  await addLoadTest('old', 91);
  await addLoadTest('young', 89);
  await sql`insert into workers (id, name, host, pid, version, last_seen_at) values
    (${newId()}, 'old', 'h', 1, '1', ${daysAgo(91)}), (${newId()}, 'young', 'h', 1, '1', now())`;
  await pruneJobs(databases.platform.db, 90);
  expect(await jobsLeft()).toEqual(['young']);
  expect(await countOf('load_timeline')).toBe(5000);
  for (const table of ['load_tests', 'load_ticks', 'load_events', 'load_errors', 'load_shards', 'workers'])
    expect([table, await countOf(table)]).toEqual([table, 1]);
});

it('nothing goes that a batch with users, or the newest sync, refers to', async () => {
  await addBatch('with users');
  await addBatch('without', { cleanedUpAt: daysAgo(99) });
  await addSync('first sync', 200);
  await addSync('last sync', 100);
  await addJob('told', 100, { kind: notificationsRun.name });
  await pruneJobs(databases.platform.db, 90);
  expect(await withEvents()).toEqual(['cleanup of with users', 'last sync', 'with users']);
  expect(await jobsLeft()).toEqual([
    'cleanup of with users',
    'cleanup of without',
    'last sync',
    'told',
    'with users',
    'without',
  ]);
  expect(await countOf('sync_chunks')).toBe(1);
  expect(await countOf('bulk_user_batches')).toBe(2);
});

it('looks at no more rows a job when there are many', async () => {
  await sql`insert into jobs (id, kind, status, payload, requested_by, finished_at)
    select uuidv7(-make_interval(days => 101, secs => n)), 'users.bulk-login', 'succeeded', '{}', 'many', ${daysAgo(100)}
    from generate_series(1, 1500) n`;
  await sql`insert into account_login_chunks (job_id, chunk_index, first_id, last_id, accounts, lane)
    select id, n, id, id, 1, 0 from jobs, generate_series(0, 9) n`;
  await sql`insert into sync_runs (id, job_id, target, target_key, direction, filter, conflict_policy, "full", dry_run, confirm,
      with_credentials, trigger, created_at)
    select id, id, '{}', 'pool', 'push', '{}', 'newest', false, false, false, false, 'request', uuid_extract_timestamp(id) from jobs`;
  await sql`insert into sync_chunks (run_id, chunk_index, usernames) select id, n, '{}' from sync_runs, generate_series(0, 3) n`;
  await sql`analyze`;
  const executed = await executedBy(databases.platformUrl, db => pruneJobs(db, 90));
  expect(await jobsLeft()).toEqual(['many']); // the newest sync
  expect(executed.reduce((sum, { rows }) => sum + rows, 0) / 1500).toBeLessThan(400);
});

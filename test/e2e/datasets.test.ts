import { datasetTables } from '../../shared/contracts/datasets.ts';
import { dataset } from '../../shared/http/datasets.ts';
import { pageOf } from '../../shared/http/pagination.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { verifyPassword } from '../../shared/platform/passwords/password.ts';
import { bodyOf, problemOf, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();
const api = testApi(databases);
let workers: RunningWorker[] = [];

beforeAll(async () => {
  const start = (name: string) => runWorker(databases, postgresStore(databases), { name });
  workers = await Promise.all(['worker-a', 'worker-b'].map(start));
});
afterAll(() => Promise.all(workers.map(worker => worker.stop())));

const small = {
  offices: 12,
  staffs_per_office: 3,
  recipients_per_office: 5,
  cycles_per_recipient: 2,
  seed: 7,
};
const smallRows = {
  staffs: 37,
  offices: 12,
  office_staffs: 36,
  welfare_recipients: 60,
  office_welfare_recipients: 60,
  support_plan_cycles: 120,
};

const { ended, run, submit } = testJobs(api);
const generate = (json: object) => run('POST', '/api/datasets', json);
const listed = async () => (await bodyOf(await api.call('GET', '/api/datasets'), pageOf(dataset))).items;
const removeAll = async () => {
  for (const { id } of await listed()) await run('DELETE', `/api/datasets/${id}`);
};
afterEach(removeAll);

/** A digest of each table, whatever the order of its rows. */
async function digests(): Promise<Record<string, string>> {
  const { sql } = databases.application;
  const entries = await Promise.all(
    datasetTables.map(async table => {
      const [row] = await sql<{ digest: string }[]>`
        select md5(string_agg(t::text, ',' order by t::text)) as digest from ${sql(table)} t`;
      return [table, row?.digest ?? ''] as const;
    }),
  );
  return Object.fromEntries(entries);
}

describe('a dataset', () => {
  it('has the rows asked for, all of them test data, and is listed', async () => {
    const done = await generate(small);
    expect(done).toMatchObject({
      kind: 'datasets.generate',
      status: 'succeeded',
      progress: { phase: 'generating', done: 325, total: 325, percent: 100 },
      result: { rows: smallRows, total_rows: 325 },
    });
    expect(await listed()).toMatchObject([
      { job_id: done.id, status: 'succeeded', seed: 7, rows: smallRows, total_rows: 325 },
    ]);
    const [marked] = await databases.application.sql`
      select bool_and(is_test_data) and count(distinct dataset_id) = 1 as all
      from (select is_test_data, dataset_id from staffs union all select is_test_data, dataset_id from offices) t`;
    expect(marked).toEqual({ all: true });
  });

  it('has staff that can log in, and offices created by the one that is no person', async () => {
    await generate(small);
    const [staff] = await databases.application.sql<{ hashed_password: string }[]>`
      select hashed_password from staffs where not is_system limit 1`;
    expect(await verifyPassword(staff?.hashed_password, 'TestPass123!')).toBe(true);
    const [creators] = await databases.application.sql`
      select array_agg(distinct s.is_system) as system from offices o join staffs s on s.id = o.created_by`;
    expect(creators).toEqual({ system: [true] });
  });

  it('has the same rows for the same seed, in any chunking, and others for another', async () => {
    await generate({ ...small, batch_size: 12 });
    const whole = await digests();
    await removeAll();
    const inChunks = await generate({ ...small, batch_size: 1 });
    expect(inChunks.status).toBe('succeeded');
    expect(await digests()).toEqual(whole);
    await removeAll();
    await generate({ ...small, seed: 8 });
    expect((await digests()).staffs).not.toEqual(whole.staffs);
  });

  it('is refused while it is there, and can be made again once it is deleted', async () => {
    const { result } = await generate(small);
    const taken = await api.call('POST', '/api/datasets', { json: small });
    expect([taken.status, (await problemOf(taken)).code]).toEqual([409, 'dataset_exists']);
    const [found] = await listed();
    const deleted = await run('DELETE', `/api/datasets/${found?.id}`);
    expect(deleted).toMatchObject({ status: 'succeeded', result: { rows: smallRows, total_rows: 325 } });
    expect((await api.call('DELETE', `/api/datasets/${found?.id}`)).status).toBe(404);
    expect(await generate(small)).toMatchObject({
      status: 'succeeded',
      result: { ...Object(result), seconds: expect.any(Number) },
    });
  });

  it('stays whole when a production row refers to it', async () => {
    await generate(small);
    const { sql } = databases.application;
    await sql`insert into push_subscriptions (staff_id, endpoint, p256dh_key, auth_key)
      select id, 'https://push.example.com/1', 'k', 'a' from staffs where not is_system limit 1`;
    const [found] = await listed();
    const before = await digests();
    const refused = await run('DELETE', `/api/datasets/${found?.id}`);
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'conflict' } });
    expect(await digests()).toEqual(before);
    await sql`delete from push_subscriptions`;
  });

  it('keeps whole offices when it is cancelled, and is completed by a retry', async () => {
    const { sql } = databases.application;
    await sql`create function slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(0.5); return null; end $$`;
    await sql`create trigger slow after insert on offices for each statement execute function slow()`;
    const submitted = await submit('POST', '/api/datasets', { ...small, batch_size: 1 });
    const made = async () => (await listed())[0]?.rows.offices ?? 0;
    await waitFor('a first office', async () => (await made()) > 0, { intervalMs: 5 });
    expect((await api.call('POST', `/api/jobs/${submitted.id}/cancel`)).status).toBe(202);
    const cancelled = await ended(submitted);
    const offices = await made();
    expect(cancelled).toMatchObject({ status: 'cancelled', result: { rows: { offices } } });
    expect(offices).toBeLessThan(12);
    const [plans] = await sql`select count(*)::int as cycles from support_plan_cycles`;
    expect(plans).toEqual({ cycles: offices * 10 });
    await sql`drop trigger slow on offices`;
    await api.call('POST', `/api/jobs/${submitted.id}/retry`);
    expect(await ended(submitted)).toMatchObject({ status: 'succeeded', result: { rows: smallRows } });
  });

  it('ends when it is taken away while its chunks are being made', async () => {
    const { application, platform } = databases;
    await application.sql.begin(async holder => {
      await holder`lock table offices in share mode`;
      const submitted = await submit('POST', '/api/datasets', { ...small, batch_size: 12 });
      await waitFor('a chunk to wait', async () => {
        const waiting = await application.sql`
          select from pg_locks where relation = 'offices'::regclass and not granted`;
        return waiting.length > 0;
      });
      await platform.sql`update datasets set deleted_at = now()`;
      expect(await ended(submitted)).toMatchObject({ status: 'failed', error: { code: 'not_found' } });
    });
    await platform.sql`update datasets set deleted_at = null`;
  });

  it('is refused when it is larger than the database should take', async () => {
    const huge = { offices: 10_000, staffs_per_office: 1000, recipients_per_office: 10_000 };
    const response = await api.call('POST', '/api/datasets', { json: huge });
    expect((await problemOf(response)).errors).toMatchObject([
      { pointer: '/offices', code: 'limit_exceeded' },
    ]);
  });
});

describe('a dataset that the database refuses', () => {
  const { sql } = databases.application;
  afterEach(() => sql`drop trigger if exists poison on offices`);

  it.each([
    ['at the first try, for good', '23514'],
    ['at every try, though it might have passed', '40001'],
  ])('%s, ends with the reason', async (_case, sqlState) => {
    await sql.unsafe(`
      create or replace function poisoned() returns trigger language plpgsql as $$
        begin raise exception 'poison' using errcode = '${sqlState}'; end $$;
      create trigger poison before insert on offices for each row execute function poisoned()`);
    expect(await generate(small)).toMatchObject({
      status: 'failed',
      error: { code: 'chunk_refused', message: expect.stringContaining('poison') },
    });
    const open = await sql`select from muster.dataset_chunks where status in ('pending', 'running')`;
    expect(open).toHaveLength(0);
  });
});

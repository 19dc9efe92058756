import { z } from 'zod';
import { expand } from '../../shared/contracts/username-pattern.ts';
import { batchDetail, failure } from '../../shared/http/bulk-users.ts';
import { job } from '../../shared/http/jobs.ts';
import { pageOf } from '../../shared/http/pagination.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { openCredentials } from '../../shared/store/bulk-users/batch-credentials.ts';
import { problemOf, type TestApi, testApi } from '../fixtures/api.ts';
import { type TestDatabases, testDatabases } from '../fixtures/database.ts';
import { type Job, testJobs } from '../fixtures/jobs.ts';
import { describeEachBackend, type TestQueueStore } from '../fixtures/queue.ts';
import { logIn, startStorefront } from '../fixtures/storefront.ts';
import { testVault } from '../fixtures/vault.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();

const settingsOf = (store: TestQueueStore): Record<string, string> => ({
  QUEUE_PREFIX: store.prefix,
  ...(store.redisUrl === undefined ? {} : { REDIS_URL: store.redisUrl }),
});

async function batchOf(api: TestApi, created: Job) {
  const { items } = pageOf(z.looseObject({ batch_id: z.string(), job_id: z.string() })).parse(
    await (await api.call('GET', '/api/bulk-users/batches')).json(),
  );
  const batchId = items.find(item => item.job_id === created.id)?.batch_id;
  return batchDetail.parse(await (await api.call('GET', `/api/bulk-users/batches/${batchId}`)).json());
}

async function failuresOf(api: TestApi, batchId: string, query = '') {
  const response = await api.call('GET', `/api/bulk-users/batches/${batchId}/failures${query}`);
  return pageOf(failure).parse(await response.json());
}

async function usersIn({ application: { sql } }: TestDatabases, batchId: string) {
  const [row] = await sql<{ users: number; names: number; hashes: number }[]>`
    select count(*)::int as users, count(distinct username)::int as names, count(distinct password_hash)::int as hashes
    from users where test_batch_id = ${batchId} and is_test_user and created_by_bulk`;
  return row;
}

describeEachBackend(databases, store => {
  const api = testApi(databases, settingsOf(store));
  const { ended, find, submit } = testJobs(api);
  const create = (body: object) => submit('POST', '/api/bulk-users/create', body);
  const name = (text: string) => `${store.kind}_${text}_{id}@example.com`;
  let workers: RunningWorker[] = [];

  beforeAll(async () => {
    workers = await Promise.all(
      ['worker-a', 'worker-b'].map(worker => runWorker(databases, store, { name: worker })),
    );
  });
  afterAll(() => Promise.all(workers.map(worker => worker.stop())));

  it('creates the users asked for, with one password hash, over both workers', async () => {
    const submitted = await create({
      count: 1000,
      config: {
        username_pattern: name('plain'),
        custom_attributes: { Team: { leadName: 'Ada' } },
        batch_size: 20,
      },
    });
    expect(submitted).toMatchObject({
      kind: 'bulk-users.create',
      status: 'queued',
      requested_by: expect.any(String),
    });
    const done = await ended(submitted);
    const batch = await batchOf(api, submitted);
    expect(done).toMatchObject({
      status: 'succeeded',
      error: null,
      progress: { phase: 'creating', done: 1000, total: 1000, percent: 100 },
      result: { batch_id: batch.batch_id, total_requested: 1000, successful_count: 1000, failed_count: 0 },
    });
    expect(batch).toMatchObject({
      successful_count: 1000,
      failed_count: 0,
      chunks: { total: 50, done: 50, size: 20 },
    });
    expect(batch.workers.map(({ worker }) => worker)).toEqual(['worker-a', 'worker-b']);
    expect(await usersIn(databases, batch.batch_id)).toEqual({ users: 1000, names: 1000, hashes: 1 });
    const [user] = await databases.application.sql`
      select * from users where username = ${name('plain').replace('{id}', '1000')}`;
    expect(user).toMatchObject({ custom_attributes: { Team: { leadName: 'Ada' } }, role: 'user' });
    expect(user?.password_hash).toMatch(/^\$argon2id\$/);
  });

  it('lets a user fail alone when its name is taken, with a reason code', async () => {
    await databases.application.sql`
      insert into users (username, email, password_hash)
      values (${name('taken').replace('{id}', '7')}, ${`${store.kind}-a@shop.test`}, 'x'),
        (${`${store.kind}-b`}, ${name('taken').replace('{id}', '150')}, 'x')`;
    const submitted = await create({ count: 200, config: { username_pattern: name('taken') } });
    const done = await ended(submitted);
    expect(done).toMatchObject({
      status: 'partially_succeeded',
      result: { successful_count: 198, failed_count: 2 },
    });
    const { batch_id } = await batchOf(api, submitted);
    const first = await failuresOf(api, batch_id, '?limit=1');
    expect(first.items).toMatchObject([{ index: 7, code: 'duplicate_username' }]);
    const second = await failuresOf(api, batch_id, `?limit=1&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ items: [{ index: 150, code: 'duplicate_email' }], next_cursor: null });
    expect(await usersIn(databases, batch_id)).toMatchObject({ users: 198 });
  });

  it('lets a row that the table refuses fail alone', async () => {
    const refused = name('refused').replace('{id}', '33');
    await databases.application.sql.unsafe(`
      alter table users add constraint no_33_${store.kind} check (username <> '${refused}')`);
    const submitted = await create({ count: 90, config: { username_pattern: name('refused') } });
    expect(await ended(submitted)).toMatchObject({ result: { successful_count: 89, failed_count: 1 } });
    const { batch_id } = await batchOf(api, submitted);
    expect((await failuresOf(api, batch_id)).items).toMatchObject([
      { index: 33, username: refused, code: 'check_violation' },
    ]);
  });

  it('removes the batch again under on_error: rollback', async () => {
    await databases.application.sql`
      insert into users (username, email, password_hash)
      values (${name('back').replace('{id}', '55')}, ${`${store.kind}-c@shop.test`}, 'x')`;
    const submitted = await create({
      count: 300,
      config: { username_pattern: name('back'), on_error: 'rollback', batch_size: 10 },
    });
    const done = await ended(submitted);
    expect(done).toMatchObject({
      status: 'failed',
      error: { code: 'rolled_back' },
      result: { successful_count: 0 },
    });
    const batch = await batchOf(api, submitted);
    expect(await usersIn(databases, batch.batch_id)).toMatchObject({ users: 0 });
    expect(batch.rolled_back_count + batch.failed_count + batch.withdrawn_count).toBe(300);
    const [kept] = await databases.application.sql`
      select count(*)::int as kept from users where email = ${`${store.kind}-c@shop.test`}`;
    expect(kept).toEqual({ kept: 1 });
  });

  it('stops in the middle when it is cancelled, and finishes the rest on retry', async () => {
    const submitted = await create({
      count: 400,
      config: { username_pattern: name('cancel'), batch_size: 20, creation_interval_ms: 100 },
    });
    await waitFor('some progress', async () => ((await find(submitted.id)).progress?.done ?? 0) > 0);
    expect((await api.call('POST', `/api/jobs/${submitted.id}/cancel`)).status).toBe(202);
    const done = await ended(submitted);
    const batch = await batchOf(api, submitted);
    const users = await usersIn(databases, batch.batch_id);
    expect(done).toMatchObject({
      status: 'cancelled',
      error: null,
      result: { successful_count: users?.users },
    });
    expect(batch.withdrawn_count).toBe(400 - (users?.users ?? 0));
    expect(batch.withdrawn_count).toBeGreaterThan(0);
    expect((await api.call('POST', `/api/jobs/${submitted.id}/cancel`)).status).toBe(409);

    expect((await api.call('POST', `/api/jobs/${submitted.id}/retry`)).status).toBe(202);
    expect(await ended(submitted)).toMatchObject({
      status: 'succeeded',
      result: { successful_count: 400 },
    });
    expect(await usersIn(databases, batch.batch_id)).toMatchObject({ users: 400, names: 400 });
  });

  it('tries the failed users again on retry, and only those', async () => {
    await databases.application.sql`
      insert into users (username, email, password_hash)
      values (${name('again').replace('{id}', '5')}, ${`${store.kind}-d@shop.test`}, 'x')`;
    const submitted = await create({ count: 50, config: { username_pattern: name('again') } });
    expect(await ended(submitted)).toMatchObject({ status: 'partially_succeeded' });
    await databases.application.sql`delete from users where email = ${`${store.kind}-d@shop.test`}`;
    await api.call('POST', `/api/jobs/${submitted.id}/retry`);
    expect(await ended(submitted)).toMatchObject({
      status: 'succeeded',
      result: { successful_count: 50 },
    });
    const { batch_id } = await batchOf(api, submitted);
    expect((await failuresOf(api, batch_id)).items).toEqual([]);
  });

  it('takes one of two requests for the same batch id at once, and tells of what another batch has', async () => {
    const json = {
      count: 3,
      config: { username_pattern: name('race'), test_batch_id: newId() },
    };
    const answers = await Promise.all([1, 2].map(() => api.call('POST', '/api/bulk-users/create', { json })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409]);
    const [taken] = answers.filter(({ status }) => status === 202);
    expect(await ended(job.parse(await taken?.json()))).toMatchObject({ status: 'succeeded' });

    const clash = await create({ count: 4, config: { username_pattern: name('race') } });
    expect(await ended(clash)).toMatchObject({
      status: 'partially_succeeded',
      result: { successful_count: 1, failed_count: 3 },
    });
    const { batch_id } = await batchOf(api, clash);
    expect((await failuresOf(api, batch_id)).items).toMatchObject(
      [1, 2, 3].map(index => ({ index, code: 'duplicate_username' })),
    );
  });

  it.each([
    [{ username_pattern: `${'x'.repeat(250)}{id}` }, '/config/username_pattern'],
    [{ custom_attributes: { text: 'x'.repeat(1_000_000) } }, '/config/custom_attributes'],
    [{ distinct_passwords: 1 }, '/config/distinct_passwords'],
    [{ distinct_passwords: 'some' }, '/config/distinct_passwords'],
  ])('refuses what cannot be kept, and makes no job of it (%#)', async (config, pointer) => {
    const response = await api.call('POST', '/api/bulk-users/create', { json: { count: 5, config } });
    expect(response.status).toBe(422);
    expect((await problemOf(response)).errors).toMatchObject([{ pointer }]);
  });

  it.each([
    ['one each', 'all', 6],
    ['three for all', 3, 3],
  ])('gives different passwords, %s, that open the storefront', async (_, distinct_passwords, hashes) => {
    const submitted = await create({
      count: 6,
      config: { username_pattern: name(`distinct_${distinct_passwords}`), distinct_passwords },
    });
    expect(await ended(submitted)).toMatchObject({
      status: 'succeeded',
      result: { successful_count: 6 },
    });
    const { batch_id } = await batchOf(api, submitted);
    expect(await usersIn(databases, batch_id)).toEqual({ users: 6, names: 6, hashes });
    const passwordOf = await openCredentials(databases.platform.db, testVault, [batch_id]);
    const names = [1, 2, 3, 4, 5, 6].map(id => expand(name(`distinct_${distinct_passwords}`), id));
    const passwords = names.map(username => passwordOf(batch_id, username) ?? '');
    expect(new Set(passwords).size).toBe(hashes);
    const shop = await startStorefront(databases.application);
    const [first = '', second = ''] = names;
    const answers = await Promise.all([
      logIn(shop.url, first, passwords[0] ?? ''),
      logIn(shop.url, second, passwords[1] ?? ''),
      logIn(shop.url, second, passwords[0] ?? ''),
    ]);
    await shop.stop();
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401]);
  });

  it('ends with the reason when its passwords cannot be kept, with nobody created', async () => {
    const { sql } = databases.platform;
    await sql`alter table bulk_user_password_hashes add constraint poison check (slot < 0) not valid`;
    const submitted = await create({
      count: 10,
      config: { username_pattern: name('unhashed'), distinct_passwords: 2 },
    });
    const failed = await ended(submitted);
    await sql`alter table bulk_user_password_hashes drop constraint poison`;
    expect(failed).toMatchObject({
      status: 'failed',
      error: { code: 'chunk_refused', message: expect.stringContaining('poison') },
    });
    const retried = await api.call('POST', `/api/jobs/${submitted.id}/retry`);
    expect(retried.status).toBe(202);
    expect(await ended(submitted)).toMatchObject({ result: { successful_count: 10 } });
  });

  it('stops while passwords are hashed when it is cancelled, with nobody created', async () => {
    const submitted = await create({
      count: 5000,
      config: { username_pattern: name('hashing'), distinct_passwords: 4000 },
    });
    await waitFor('the hashing', async () => {
      const { progress } = await find(submitted.id);
      return progress?.phase === 'hashing' && progress.done > 0 ? true : undefined;
    });
    expect((await api.call('POST', `/api/jobs/${submitted.id}/cancel`)).status).toBe(202);
    expect(await ended(submitted)).toMatchObject({
      status: 'cancelled',
      result: { successful_count: 0 },
    });
    expect(await usersIn(databases, (await batchOf(api, submitted)).batch_id)).toMatchObject({ users: 0 });
  });

  it('refuses a batch id that exists, and gives the first answer again for an idempotency key', async () => {
    const headers = { 'Idempotency-Key': `${store.kind}-key` };
    const json = { count: 10, config: { username_pattern: name('once') } };
    const first = await api.call('POST', '/api/bulk-users/create', { json, headers });
    const again = await api.call('POST', '/api/bulk-users/create', { json, headers });
    expect([first.status, again.status]).toEqual([202, 202]);
    const submitted = job.parse(await first.json());
    expect(job.parse(await again.json()).id).toBe(submitted.id);
    await ended(submitted);
    const { batch_id } = await batchOf(api, submitted);
    const clash = await api.call('POST', '/api/bulk-users/create', {
      json: { count: 1, config: { test_batch_id: batch_id } },
    });
    expect([clash.status, await clash.json()]).toEqual([
      409,
      expect.objectContaining({ code: 'batch_exists' }),
    ]);
  });

  it('counts users and work', async () => {
    const stats = await (await api.call('GET', '/api/bulk-users/stats')).json();
    const [users] = await databases.application.sql<
      { total: number }[]
    >`select count(*)::int as total from users`;
    expect(stats).toMatchObject({ total_users: users?.total, active_operations: 0 });
  });

  it('shows its workers with what they did', async () => {
    const { items } = z
      .object({ items: z.array(z.looseObject({ name: z.string(), status: z.string() })) })
      .parse(await (await api.call('GET', '/api/workers')).json());
    const alive = items.filter(({ status }) => status === 'alive').map(worker => worker.name);
    expect(alive.sort()).toEqual(['worker-a', 'worker-b']);
  });
});

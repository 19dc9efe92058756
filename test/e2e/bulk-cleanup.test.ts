import { identifyUsersOperation } from '../../shared/http/bulk-lifecycle.ts';
import { job } from '../../shared/http/jobs.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { bodyOf, problemOf, testApi } from '../fixtures/api.ts';
import { bulkBatches } from '../fixtures/bulk-batches.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();
const store = postgresStore(databases);
const api = testApi(databases, { QUEUE_PREFIX: store.prefix });
const { batchOf, cleanUp, ended, made, run, set, usersOf } = bulkBatches(api, databases);
let worker: RunningWorker;

beforeAll(async () => {
  worker = await runWorker(databases, store);
  const { sql } = databases.application;
  await sql`insert into users (username, email, password_hash) values
    ('ada', 'ada@shop.jp', 'x'), ('testuser_7', 'seven@shop.jp', 'x'), ('grace', 'grace@example.com', 'x')`;
  await sql`insert into categories (slug, name) values ('lamps', 'Lamps')`;
  await sql`insert into products (category_id, sku, name, price_cents) select id, 'lamp', 'Lamp', 100 from categories`;
});
afterAll(() => worker.stop());

/** All that belongs to production, as one value. */
async function production(): Promise<string> {
  const [row] = await databases.application.sql<{ digest: string }[]>`
    select md5(coalesce((select string_agg(u::text, ',' order by id) from users u where not is_test_user), '')
      || coalesce((select string_agg(o::text, ',' order by o.id) from orders o join users u on u.id = user_id where not is_test_user), '')
      || (select count(*) from products)) as digest`;
  return row?.digest ?? '';
}

/** Gives every user of a batch a session, a cart and an order, with a line each. */
async function furnish(batchId: string): Promise<void> {
  const { sql } = databases.application;
  await sql`insert into sessions (token_hash, user_id, expires_at)
    select id::text, id, now() + interval '1 day' from users where test_batch_id = ${batchId} or username = 'ada'
    on conflict do nothing`;
  await sql`with made as (insert into carts (user_id) select id from users where test_batch_id = ${batchId} returning id)
    insert into cart_items (cart_id, product_id, quantity) select made.id, p.id, 1 from made, (select id from products limit 1) p`;
  await sql`with made as (insert into orders (user_id, total_cents)
      select id, 100 from users where test_batch_id = ${batchId} or username = 'ada' returning id)
    insert into order_lines (order_id, line, product_id, quantity, unit_price_cents)
    select made.id, 1, p.id, 1, 100 from made, (select id from products limit 1) p`;
}

describe('the cleanup of a batch', () => {
  it('tells in a dry run what it would delete, and deletes it with what refers to it, and nothing else', async () => {
    const [batchId, other] = [await made(30, { batch_size: 10 }), await made(5)];
    await furnish(batchId);
    const before = await production();

    const planned = await cleanUp({ batch_id: batchId, dry_run: true });
    expect(planned.progress).toMatchObject({ phase: 'comparing', percent: 100 });
    expect(planned.result).toMatchObject({
      dry_run: true,
      deleted_count: 30,
      tables: { users: 30, sessions: 30, carts: 30, cart_items: 30, orders: 30, order_lines: 30 },
      batches: [{ batch_id: batchId, status: 'planned', comparison: { recorded: 30, present: 30, gone: 0 } }],
    });
    expect(planned.result?.foreign_keys).toContainEqual({
      name: 'order_lines_order_id_orders_id_fk',
      table: 'order_lines',
      references: 'orders',
      on_delete: 'cascade',
      action: 'delete',
      indexed: true,
      rows: 30,
    });
    expect(await usersOf(batchId)).toBe(30);

    const done = await run('DELETE', `/api/bulk-users/batches/${batchId}`);
    expect(done).toMatchObject({ kind: 'bulk-users.cleanup', status: 'succeeded', error: null });
    expect(done.progress).toMatchObject({ phase: 'deleting', done: 30, total: 30 });
    expect(done.result).toMatchObject({
      deleted_count: 30,
      tables: { users: 30, sessions: 30, carts: 30, cart_items: 30, orders: 30, order_lines: 30 },
      batches: [{ batch_id: batchId, status: 'cleaned_up', deleted: 30 }],
      cleaned_up_count: 1,
      refused_count: 0,
    });
    expect([await usersOf(batchId), await usersOf(other), await production()]).toEqual([0, 5, before]);
  });

  it('keeps the batch with its counts and failures, without its secrets, and its id stays taken', async () => {
    const pattern = `k${newId().slice(-8)}_{id}@load.invalid`;
    await databases.application.sql`
      insert into users (username, email, password_hash) values (${pattern.replace('{id}', '3')}, 'third@shop.jp', 'x')`;
    const batchId = await made(10, { username_pattern: pattern });
    const { job_id } = await batchOf(batchId);
    await run('DELETE', `/api/bulk-users/batches/${batchId}`);
    expect(await batchOf(batchId)).toMatchObject({
      status: 'cleaned_up',
      successful_count: 9,
      failed_count: 1,
      cleaned_count: 9,
      cleaned_up_at: expect.any(String),
    });
    const failures = await (await api.call('GET', `/api/bulk-users/batches/${batchId}/failures`)).json();
    expect(failures).toMatchObject({ items: [{ index: 3, code: 'duplicate_username' }] });
    const [secrets] = await databases.platform.sql`
      select sealed_password, sealed_secret, password_hash from bulk_user_batches where id = ${batchId}`;
    expect(secrets).toEqual({ sealed_password: null, sealed_secret: null, password_hash: null });
    const again = await api.call('POST', '/api/bulk-users/create', {
      json: { count: 1, config: { test_batch_id: batchId } },
    });
    expect([again.status, (await problemOf(again)).code]).toEqual([409, 'batch_exists']);
    const twice = await api.call('DELETE', `/api/bulk-users/batches/${batchId}`);
    expect([twice.status, (await problemOf(twice)).code]).toEqual([409, 'batch_cleaned_up']);
    expect(await run('POST', `/api/jobs/${job_id}/retry`)).toMatchObject({
      status: 'failed',
      error: { code: 'batch_cleaned_up' },
    });
    expect(await usersOf(batchId)).toBe(0);
    const deeds = await databases.platform.sql<{ action: string }[]>`
      select action from audit_log where subject = ${batchId} order by id`;
    expect(deeds.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['bulk-users.cleanup', 'bulk-users.cleaned-up']),
    );
  });

  it('is refused while the batch is made, and of two at once one is', async () => {
    const test_batch_id = newId();
    const response = await api.call('POST', '/api/bulk-users/create', {
      json: {
        count: 5,
        config: { test_batch_id, batch_size: 1, creation_interval_ms: 60_000, username_pattern: 'slow_{id}' },
      },
    });
    const creation = await bodyOf(response, job);
    const early = await api.call('DELETE', `/api/bulk-users/batches/${test_batch_id}`);
    expect([early.status, (await problemOf(early)).code]).toEqual([409, 'conflict']);
    await api.call('POST', `/api/jobs/${creation.id}/cancel`);
    await ended(creation);
    const answers = await Promise.all(
      [1, 2].map(() => api.call('DELETE', `/api/bulk-users/batches/${test_batch_id}`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
    for (const answer of answers.filter(({ status }) => status === 202))
      await ended(await bodyOf(answer, job));
    expect(await usersOf(test_batch_id)).toBe(0);
  });

  it('is not there for a batch that is not', async () => {
    for (const dry_run of [true, false]) {
      const response = await api.call('POST', '/api/bulk-users/lifecycle/cleanup', {
        json: { batch_id: newId(), dry_run },
      });
      expect(response.status).toBe(404);
    }
  });
});

const identify = async () =>
  bodyOf(
    await api.call('POST', '/api/bulk-users/lifecycle/identify', { json: {} }),
    identifyUsersOperation.responses[200].schema,
  );

describe('a batch of which table and ledger disagree', () => {
  it('is refused under strict_mode before anything is deleted, and else cleaned up to what was recorded', async () => {
    const { sql } = databases.application;
    const batchId = await made(20, { batch_size: 5 });
    await sql`insert into users (username, email, password_hash, is_test_user, test_batch_id, created_by_bulk)
      values (${`forged_${batchId}`}, ${`forged_${batchId}`}, 'x', true, ${batchId}, true)`;
    await sql`delete from users where id in (select id from users where test_batch_id = ${batchId} and username not like 'forged%' limit 2)`;

    const refused = await cleanUp({ batch_id: batchId });
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'ledger_mismatch' } });
    expect(refused.error?.message).toContain('2 are gone, the application deleted them; 1 more carry its id');
    expect(refused.result).toMatchObject({
      deleted_count: 0,
      refused_count: 1,
      batches: [
        { status: 'refused', comparison: { recorded: 20, present: 18, gone: 2, altered: 0, unrecorded: 1 } },
      ],
    });
    expect(await usersOf(batchId)).toBe(19);

    const identified = await identify();
    expect(identified.suspect_users.by_reason).toMatchObject({ unrecorded: 1 });
    expect(identified.suspect_users.samples).toContainEqual(
      expect.objectContaining({ reason: 'unrecorded', username: `forged_${batchId}` }),
    );

    await set({ strict_mode: false });
    const done = await cleanUp({ batch_id: batchId });
    await set({ strict_mode: true });
    expect(done).toMatchObject({ status: 'succeeded', result: { deleted_count: 18, cleaned_up_count: 1 } });
    expect(await batchOf(batchId)).toMatchObject({ status: 'cleaned_up', cleaned_count: 18 });
    expect(await usersOf(batchId)).toBe(1);
    await sql`delete from users where test_batch_id = ${batchId}`;
  });

  it('keeps the chunks to whose users a row of somebody else refers', async () => {
    const { sql } = databases.application;
    const batchId = await made(20, { batch_size: 5 });
    await sql`create table referrals (by_user uuid not null references users (id))`;
    await sql`insert into referrals select id from users where test_batch_id = ${batchId} limit 1`;
    await set({ strict_mode: false });
    const done = await cleanUp({ batch_id: batchId });
    await set({ strict_mode: true });
    expect(done).toMatchObject({
      status: 'partially_succeeded',
      result: {
        deleted_count: 15,
        batches: [{ status: 'partially_cleaned_up', error: { code: 'still_referenced' } }],
      },
    });
    expect(await usersOf(batchId)).toBe(5);
    expect(await batchOf(batchId)).toMatchObject({
      status: 'succeeded',
      cleaned_count: 15,
      cleaned_up_at: null,
    });
    await sql`drop table referrals`;
    expect(await cleanUp({ batch_id: batchId })).toMatchObject({
      status: 'succeeded',
      result: { deleted_count: 20, tables: { users: 20 } },
    });
  });
});

it('tells test users, production users and suspects apart', async () => {
  const batchId = await made(4);
  await databases.application.sql`
    insert into users (username, email, password_hash) values (${`b${batchId.slice(-12)}_99@load.invalid`}, 'real@shop.jp', 'x')`;
  const { test_users, production_users, suspect_users, total_users } = await identify();
  expect(total_users).toBe(test_users.count + production_users.count);
  expect(suspect_users.by_reason).toEqual({
    batch_pattern: 2, // this one, and the third of another test
    test_domain: 1,
    test_name: 1,
    unknown_batch: 0,
    unrecorded: 0,
  });
  expect(suspect_users.samples.map(({ username }) => username)).toEqual(
    expect.arrayContaining(['testuser_7', 'grace', `b${batchId.slice(-12)}_99@load.invalid`]),
  );
  expect(test_users.samples[0]).toMatchObject({ test_batch_id: expect.any(String) });
});

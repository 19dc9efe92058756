import { bulkUsersRetention } from '../../shared/contracts/bulk-cleanup.ts';
import { listCleanupCandidatesOperation } from '../../shared/http/bulk-lifecycle.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { bodyOf, problemOf, testApi } from '../fixtures/api.ts';
import { bulkBatches } from '../fixtures/bulk-batches.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();
const store = postgresStore(databases);
const api = testApi(databases, { QUEUE_PREFIX: store.prefix });
const { cleanUp, ended, made, run, set, usersOf } = bulkBatches(api, databases);
let worker: RunningWorker;

beforeAll(async () => {
  worker = await runWorker(databases, store);
});
afterAll(() => worker.stop());

const candidates = async (query = '') =>
  bodyOf(
    await api.call('GET', `/api/bulk-users/lifecycle/cleanup-candidates${query}`),
    listCleanupCandidatesOperation.responses[200].schema,
  );

describe('cleanup by age', () => {
  const grownOld = (batchId: string) =>
    databases.platform
      .sql`update bulk_user_batches set created_at = now() - interval '40 days' where id = ${batchId}`;

  it('lists what is past retention, asks for a confirmation, and leaves younger batches', async () => {
    const [old, young] = [await made(5), await made(5)];
    await grownOld(old);
    expect(await candidates()).toMatchObject({
      older_than_days: 30,
      items: [{ batch_id: old, users: 5, age_days: 40 }],
    });
    expect((await candidates('?older_than_days=0&limit=1')).next_cursor).not.toBeNull();
    const unconfirmed = await api.call('POST', '/api/bulk-users/lifecycle/cleanup', {
      json: { older_than_days: 30 },
    });
    expect([unconfirmed.status, (await problemOf(unconfirmed)).code]).toEqual([409, 'confirmation_required']);
    expect(await cleanUp({ older_than_days: 30, dry_run: true })).toMatchObject({
      result: { deleted_count: 5 },
    });
    const done = await cleanUp({ older_than_days: 30, confirm: true });
    expect(done).toMatchObject({ status: 'succeeded', result: { batch_count: 1, deleted_count: 5 } });
    expect([await usersOf(old), await usersOf(young)]).toEqual([0, 5]);
  });

  it('deletes nothing when one batch is refused, unless allow_partial_cleanup lets the others go', async () => {
    const [sound, unsound] = [await made(5), await made(5)];
    await Promise.all([sound, unsound].map(grownOld));
    await databases.application.sql`
      delete from users where id = (select id from users where test_batch_id = ${unsound} limit 1)`;
    expect(await cleanUp({ older_than_days: 30, confirm: true })).toMatchObject({
      status: 'failed',
      error: { code: 'ledger_mismatch' },
      result: { deleted_count: 0 },
    });
    await set({ allow_partial_cleanup: true });
    const done = await cleanUp({ older_than_days: 30, confirm: true });
    await set({ allow_partial_cleanup: false });
    expect(done).toMatchObject({
      status: 'partially_succeeded',
      result: { deleted_count: 5, cleaned_up_count: 1, refused_count: 1 },
    });
    expect([await usersOf(sound), await usersOf(unsound)]).toEqual([0, 4]);
    await databases.platform.sql`update bulk_user_batches set created_at = now() where id = ${unsound}`;
  });

  it('takes, when it is run again much later, only what was old when it was asked for', async () => {
    const [old, younger] = [await made(5), await made(5)];
    const { sql } = databases.application;
    await sql`create table holds (by_user uuid not null references users (id))`;
    await sql`insert into holds select id from users where test_batch_id = ${old}`;
    await grownOld(old);
    const refused = await cleanUp({ older_than_days: 30, confirm: true });
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'still_referenced' } });
    await sql`drop table holds`;
    await databases.platform
      .sql`update jobs set created_at = now() - interval '5 days' where id = ${refused.id}`;
    await databases.platform
      .sql`update bulk_user_batches set created_at = now() - interval '33 days' where id = ${younger}`;
    expect(await run('POST', `/api/jobs/${refused.id}/retry`)).toMatchObject({
      status: 'succeeded',
      result: { batch_count: 1, deleted_count: 5 },
    });
    expect([await usersOf(old), await usersOf(younger)]).toEqual([0, 5]);
    await databases.platform.sql`update bulk_user_batches set created_at = now() where id = ${younger}`;
  });

  it('comes by itself once retention is on, and not before', async () => {
    const batchId = await made(5);
    await grownOld(batchId);
    const jobs = () =>
      databases.platform.sql<{ id: string }[]>`select id from jobs where requested_by = 'retention'`;
    const ticked = async () => {
      await worker.queue.revive(bulkUsersRetention, {});
      await waitFor(
        'the tick',
        async () => (await worker.queue.state(bulkUsersRetention, 'by-hand')) === 'completed',
      );
    };
    await ticked();
    expect(await jobs()).toHaveLength(0);
    await set({ retention_enabled: true });
    await ticked();
    const [submitted] = await jobs();
    expect(await ended({ id: submitted?.id ?? '' })).toMatchObject({ status: 'succeeded' });
    expect(await usersOf(batchId)).toBe(0);
    await set({ retention_enabled: false });
  });
});

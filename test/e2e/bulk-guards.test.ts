import { bulkUsersCreate } from '../../shared/contracts/bulk-users.ts';
import { testApi } from '../fixtures/api.ts';
import { bulkBatches } from '../fixtures/bulk-batches.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();
const store = postgresStore(databases);
const api = testApi(databases, { QUEUE_PREFIX: store.prefix });
const { batchOf, cleanUp, made, run, set, usersOf } = bulkBatches(api, databases);
let worker: RunningWorker;

beforeAll(async () => {
  worker = await runWorker(databases, store);
});
afterAll(() => worker.stop());

describe('what a guard refuses', () => {
  /** Until it is undone, a guard takes users of that name for production. */
  async function guardFrom(event: 'insert' | 'delete', name: string): Promise<() => Promise<unknown>> {
    const { sql } = databases.application;
    await sql.unsafe(`create trigger guarded before ${event} on users for each row
      when (${event === 'insert' ? 'new' : 'old'}.username like '${name}') execute function muster_guards.refuse_row()`);
    return () => sql`drop trigger guarded on users`;
  }
  const refusal = (did: string) => ({
    code: 'guard_refused',
    message: expect.stringContaining(`muster_test_data may not ${did} rows of production in public.users`),
  });

  it('ends a creation with what the guard said, and the rest can be created once it lets them', async () => {
    const undo = await guardFrom('insert', 'guarded_25@%');
    const config = { username_pattern: 'guarded_{id}@load.invalid', batch_size: 10 };
    const failed = await run('POST', '/api/bulk-users/create', { count: 40, config });
    expect(failed).toMatchObject({ status: 'failed', error: refusal('insert') });
    const { batch_id } = bulkUsersCreate.output.parse(failed.result);
    const { successful_count, failed_count, withdrawn_count } = await batchOf(batch_id);
    expect([failed_count, successful_count + withdrawn_count]).toEqual([0, 40]);
    expect(await usersOf(batch_id)).toBe(successful_count);
    await undo();
    expect(await run('POST', `/api/jobs/${failed.id}/retry`)).toMatchObject({
      status: 'succeeded',
      result: { successful_count: 40 },
    });
  });

  it('ends a creation under on_error: rollback with nobody created', async () => {
    const undo = await guardFrom('insert', 'undone_25@%');
    const config = { username_pattern: 'undone_{id}@load.invalid', batch_size: 10, on_error: 'rollback' };
    const failed = await run('POST', '/api/bulk-users/create', { count: 40, config });
    expect(failed).toMatchObject({ status: 'failed', error: refusal('insert') });
    expect(await usersOf(bulkUsersCreate.output.parse(failed.result).batch_id)).toBe(0);
    await undo();
  });

  it.each([
    [
      'a guard that was taken down while the worker ran',
      'alter table users disable trigger muster_guard_delete',
      'alter table users enable always trigger muster_guard_delete',
      /the trigger muster_guard_delete of public.users is not ENABLE ALWAYS/,
    ],
    [
      'a cascade into rows that it may not delete',
      'revoke delete on sessions from muster_test_data',
      'grant delete on sessions to muster_test_data',
      /may not delete would go .* sessions_user_id_users_id_fk of sessions/,
    ],
  ])('is a cleanup with %s, before it deletes anything', async (_case, wrong, right, message) => {
    const { sql } = databases.application;
    const batchId = await made(5);
    await sql.unsafe(wrong);
    const failed = await cleanUp({ batch_id: batchId });
    await sql.unsafe(right);
    expect(failed).toMatchObject({
      status: 'failed',
      error: { code: 'guard_refused', message: expect.stringMatching(message) },
    });
    expect(await usersOf(batchId)).toBe(5);
    expect(await cleanUp({ batch_id: batchId })).toMatchObject({ result: { deleted_count: 5 } });
  });

  it('is a creation without a guard', async () => {
    const { sql } = databases.application;
    await sql`alter table users disable trigger muster_guard_insert`;
    const failed = await run('POST', '/api/bulk-users/create', { count: 5 });
    await sql`alter table users enable always trigger muster_guard_insert`;
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'guard_refused' } });
  });

  it('ends a cleanup at the chunk that it is in, also without strict_mode', async () => {
    const batchId = await made(40, { batch_size: 10, username_pattern: 'stuck_{id}@load.invalid' });
    const undo = await guardFrom('delete', 'stuck_25@%');
    await set({ strict_mode: false });
    const done = await cleanUp({ batch_id: batchId });
    await set({ strict_mode: true });
    expect(done.result).toMatchObject({ refused_count: 1, batches: [{ error: refusal('delete') }] });
    const left = await usersOf(batchId);
    expect(left).toBeGreaterThanOrEqual(10);
    expect(done.result?.deleted_count).toBe(40 - left);
    await undo();
    expect(await cleanUp({ batch_id: batchId })).toMatchObject({ result: { deleted_count: 40 } });
  });
});

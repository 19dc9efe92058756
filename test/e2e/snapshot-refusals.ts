import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { problemOf, type TestApi } from '../fixtures/api.ts';
import type { TestDatabases } from '../fixtures/database.ts';
import { type Job, testJobs } from '../fixtures/jobs.ts';

interface SnapshotStack {
  databases: TestDatabases;
  /** Has a snapshot `base`. */
  api: TestApi;
  /** Makes a snapshot, to the end of its job. */
  make: (json: object) => Promise<Job>;
}

/** Declares the tests of what is refused, on the stack of `snapshots.test.ts`. */
export function snapshotRefusals({ databases, api, make }: SnapshotStack): void {
  const { ended, find, submit } = testJobs(api);

  it('refuses names that are taken, or are ways through folders', async () => {
    const taken = await api.call('POST', '/api/snapshots', { json: { name: 'base' } });
    expect([taken.status, (await problemOf(taken)).code]).toEqual([409, 'snapshot_exists']);
    for (const name of [
      '../base',
      '..',
      '/etc/passwd',
      'a/b',
      '.hidden',
      'A',
      '',
      'a'.repeat(65),
      'a\u0000',
      '-a',
      'é',
    ]) {
      const response = await api.call('POST', '/api/snapshots', { json: { name } });
      expect([name, response.status]).toEqual([name, 422]);
      const path = `/api/snapshots/${encodeURIComponent(name)}x%2f..%2fbase`;
      for (const method of ['GET', 'DELETE']) expect((await api.call(method, path)).status).toBe(404);
    }
  });

  it('has one of two that ask for the same name at once', async () => {
    const both = await Promise.all(
      [make({ name: 'same' }), make({ name: 'same' })].map(job => job.catch(() => undefined)),
    );
    const succeeded = both.filter(found => found?.status === 'succeeded');
    const refused = both.filter(found => found === undefined || found.error?.code === 'snapshot_exists');
    expect([succeeded.length, refused.length]).toEqual([1, 1]);
  });

  it('refuses tables that are not there or have no mark', async () => {
    const done = await make({ name: 'odd', tables: ['offices', 'users', 'no_such'] });
    expect(done).toMatchObject({ status: 'failed', error: { code: 'snapshot_mismatch' } });
    expect(done.error?.message).toContain('public.no_such: there is no such table');
    expect(done.error?.message).toContain('public.users: has no boolean column is_test_data');
    expect((await api.call('HEAD', '/api/snapshots/odd')).status).toBe(404);
  });

  it('is refused while a dataset is being made', async () => {
    const { sql } = databases.application;
    const dataset = await sql.begin(async holder => {
      await holder`select pg_advisory_xact_lock(hashtextextended('muster test data', 0))`;
      const size = { offices: 1, staffs_per_office: 1, recipients_per_office: 1, seed: 4 };
      const waiting = await submit('POST', '/api/datasets', size);
      for (const [path, json] of [
        ['/api/snapshots', { name: 'too-early' }],
        ['/api/snapshots/base/restore', {}],
      ] as const) {
        const response = await api.call('POST', path, { json });
        expect([response.status, (await problemOf(response)).detail]).toEqual([
          409,
          expect.stringContaining('A dataset is being generated'),
        ]);
      }
      await api.call('POST', `/api/jobs/${waiting.id}/cancel`);
      await holder`select 1`;
      return waiting;
    });
    await ended(dataset);
  });

  it('is refused when a dataset began since it was asked for', async () => {
    const { application, platform } = databases;
    const id = newId();
    const begin = () =>
      platform.sql`insert into jobs (id, kind, payload, requested_by) values (${id}, 'datasets.generate', '{}', 'test')`;
    const restore = await application.sql.begin(async holder => {
      await holder`select pg_advisory_xact_lock(hashtextextended('muster test data', 0))`;
      const waiting = await submit('POST', '/api/snapshots/base/restore', {});
      await waitFor('the restore to wait', async () => {
        const found = await find(waiting.id);
        return found.progress?.phase.startsWith('waiting for other work');
      });
      await begin();
      await holder`select 1`;
      return waiting;
    });
    expect(await ended(restore)).toMatchObject({ status: 'failed', error: { code: 'conflict' } });
    await platform.sql`update jobs set status = 'succeeded', finished_at = now() where id = ${id}`;
  });

  it('is gone when it is deleted', async () => {
    await make({ name: 'short-lived' });
    expect((await api.call('DELETE', '/api/snapshots/short-lived')).status).toBe(204);
    for (const [method, path] of [
      ['DELETE', ''],
      ['GET', ''],
      ['POST', '/restore'],
    ] as const) {
      const response = await api.call(
        method,
        `/api/snapshots/short-lived${path}`,
        method === 'POST' ? { json: {} } : {},
      );
      expect([method, response.status]).toEqual([method, 404]);
    }
  });
}

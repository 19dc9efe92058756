import { type CliRunOptions, runInTest } from '../testing/run-in-test.ts';
import { answer, jobId, jobOf, startTinyApi } from '../testing/tiny-api.ts';

let api: Awaited<ReturnType<typeof startTinyApi>>;
afterEach(() => api.stop());

const run = (args: string, options: CliRunOptions = {}) =>
  runInTest(args, {
    url: api.url,
    ...options,
    env: { MUSTER_API_KEY: 'key-of-an-operator', ...options.env },
  });

const syncPath = 'POST /api/bulk-users/sync';
const digest = 'beef000000000000';

describe('muster users sync', () => {
  it('submits what its options say, to another Muster with the key of the environment', async () => {
    api = await startTinyApi({ [syncPath]: (_, response) => answer(response, jobOf('queued'), 202) });
    const options =
      '--direction bidirectional --policy newest --since 2026-01-31T12:00:00Z --dry-run --confirm';
    const env = { MUSTER_PEER_API_KEY: 'key-of-the-peer' };
    expect(await run(`users sync --peer http://peer:8080 ${options}`, { env })).toMatchObject({ code: 0 });
    expect(JSON.parse(api.requests[0]?.body ?? '')).toEqual({
      target: { type: 'http', base_url: 'http://peer:8080', api_key: 'key-of-the-peer' },
      direction: 'bidirectional',
      filter_criteria: { modified_since: '2026-01-31T12:00:00Z' },
      conflict_policy: 'newest',
      dry_run: true,
      confirm: true,
    });
    await run('users sync --file for-k6 --full');
    expect(JSON.parse(api.requests[1]?.body ?? '')).toMatchObject({
      target: { type: 'file', name: 'for-k6' },
      full: true,
    });
    expect(await run('users sync --peer http://peer:8080')).toMatchObject({
      code: 2,
      err: expect.stringContaining('MUSTER_PEER_API_KEY'),
    });
    expect(await run('users sync --peer http://peer:8080 --file x', { env })).toMatchObject({ code: 2 });
  });

  it('says how a sync that the deletion guard ended gets past it: a retry would not', async () => {
    const error = { code: 'deletion_guard', message: '100 % of the users would be deleted' };
    api = await startTinyApi({
      [syncPath]: (_, response) => answer(response, jobOf('queued'), 202),
      [`GET /api/jobs/${jobId}/events`]: (_, response) => void response.end(),
      [`GET /api/jobs/${jobId}`]: (_, response) => answer(response, jobOf('failed', { error })),
    });
    const { code, err } = await run('users sync --follow');
    expect({ code, err }).toEqual({ code: 5, err: expect.stringContaining('--confirm') });
    expect(err).not.toContain('jobs retry');
  });

  it('tells whether both sides are the same, who is not, and which syncs there were', async () => {
    const sides = { application: { total_users: 3, digest }, load_tester: { total_users: 2, digest } };
    api = await startTinyApi({
      'GET /api/bulk-users/sync/status': (_, response) =>
        answer(response, { in_sync: false, ...sides, differing_buckets: 2, last_run: null, next_run: null }),
      'GET /api/bulk-users/sync/differences': (_, response) =>
        answer(response, {
          items: [
            {
              username: 'u1',
              difference: 'changed',
              fields: ['email', 'role'],
              application: {},
              load_tester: {},
            },
          ],
          next_cursor: null,
        }),
      'GET /api/bulk-users/sync/runs': (_, response) => answer(response, { items: [], next_cursor: null }),
    });
    const { code, out } = await run('users sync-status');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('no: 2 of 4096 buckets differ') });
    expect(await run('users sync-differences --limit 10')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^u1 +changed +email, role$/m),
    });
    expect(await run('users sync-runs')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^SYNC +STATUS/),
    });
  });
});

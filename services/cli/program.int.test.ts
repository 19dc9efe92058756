import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settingsSchema } from '../../shared/contracts/settings.ts';
import { type CliRunOptions, runInTest } from './testing/run-in-test.ts';
import { answer, answerProblem, jobId, jobOf, startTinyApi } from './testing/tiny-api.ts';

let api: Awaited<ReturnType<typeof startTinyApi>>;
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'muster-cli-'));
  await writeFile(join(dataDir, 'api-key'), 'key-of-the-local-stack\n');
});
afterEach(async () => {
  await api.stop();
  await rm(dataDir, { recursive: true });
});

const run = (args: string, options: CliRunOptions = {}) =>
  runInTest(args, { dataDir, url: api.url, ...options });

const createPath = 'POST /api/bulk-users/create';
const jobPath = `GET /api/jobs/${jobId}`;
const ended = (status: string, more: object = {}) => ({
  [`${jobPath}/events`]: (_: unknown, response: Parameters<typeof answer>[0]) =>
    void response.end(`id: 1\nevent: result\ndata: {"status":"${status}"}\n\n`),
  [jobPath]: (_: unknown, response: Parameters<typeof answer>[0]) => answer(response, jobOf(status, more)),
});

describe('muster', () => {
  it('submits what its options say, with the key of the local stack', async () => {
    api = await startTinyApi({ [createPath]: (_, response) => answer(response, jobOf('queued'), 202) });
    const { code, out } = await run('users create --count 1_000 --pattern u_{id}@x.test --on-error rollback');
    expect(code).toBe(0);
    expect(out).toContain(`npm run muster -- jobs follow ${jobId}`);
    const [request] = api.requests;
    expect(request?.headers['x-api-key']).toBe('key-of-the-local-stack');
    expect(JSON.parse(request?.body ?? '')).toEqual({
      count: 1000,
      config: { username_pattern: 'u_{id}@x.test', on_error: 'rollback' },
    });
  });

  it('says its version', async () => {
    api = await startTinyApi({});
    const { version } = JSON.parse(await readFile('package.json', 'utf8'));
    expect(await run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it('changes settings by name, with JSON values and texts', async () => {
    const now = { ...settingsSchema.parse({}), max_bulk_users: 500, sync_conflict_policy: 'application' };
    api = await startTinyApi({ 'PUT /api/settings': (_, response) => answer(response, now) });
    const { code, out } = await run('settings set max_bulk_users=500 sync_conflict_policy=application');
    expect({ code, out }).toEqual({
      code: 0,
      out: 'max_bulk_users        500\nsync_conflict_policy  "application"\n',
    });
    expect(JSON.parse(api.requests[0]?.body ?? '')).toEqual({
      max_bulk_users: 500,
      sync_conflict_policy: 'application',
    });
    expect(await run('settings set nonsense')).toMatchObject({ code: 2 });
  });

  it('shows what came of a job as names and tables, not as JSON', async () => {
    const result = {
      ...{ deleted_count: 3, errors: [], tables: { users: 3, carts: 1 } },
      batches: [{ batch_id: 'a', deleted: 3, comparison: { present: 3, gone: 0 } }],
    };
    api = await startTinyApi({
      [jobPath]: (_, response) => answer(response, jobOf('succeeded', { result })),
    });
    const { out } = await run(`jobs show ${jobId}`);
    expect(out).toContain(
      [
        '  deleted_count  3',
        '  tables         users 3, carts 1',
        '  batches',
        '    BATCH ID  DELETED  COMPARISON',
        '    a         3        present 3, gone 0\n',
      ].join('\n'),
    );
    expect(out).not.toMatch(/errors|[{[]/);
  });

  it('says that a list is empty, to people only', async () => {
    const page = { items: [], next_cursor: null };
    api = await startTinyApi({ 'GET /api/jobs': (_, response) => answer(response, page) });
    expect(await run('jobs list')).toMatchObject({ code: 0, err: 'None.\n' });
    expect(await run('jobs list --json')).toMatchObject({ code: 0, err: '' });
  });

  it('says of a cleanup that wants a confirmation how the command line gives it', async () => {
    api = await startTinyApi({
      'POST /api/bulk-users/lifecycle/cleanup': (_, response) =>
        answerProblem(response, 409, {
          ...{ code: 'confirmation_required', title: 'This needs a confirmation' },
          detail: 'Send it again with "confirm": true.',
        }),
    });
    const { code, err } = await run('users cleanup --older-than-days 0');
    expect([code, err]).toEqual([1, expect.stringContaining('--dry-run')]);
    expect(err).toContain('--confirm');
    expect(err).not.toContain('"confirm"');
  });

  it('has the options of every command, the exit codes and the environment in its help', async () => {
    api = await startTinyApi({});
    const { out } = await run('--help');
    for (const said of ['MUSTER_API_KEY', '130', 'load-tests run']) expect(out).toContain(said);
    expect((await run('users create --help')).out).toMatch(/how many \(required\).*--api.*--json/s);
  });

  it('shows twenty rows of a long list', async () => {
    const result = { batches: Array.from({ length: 23 }, (_, n) => ({ batch_id: `b${n}` })) };
    api = await startTinyApi({
      [jobPath]: (_, response) => answer(response, jobOf('succeeded', { result })),
    });
    const { out } = await run(`jobs show ${jobId}`);
    expect(out).toMatch(/b19\n {4}and 3 more: --json has them\n$/);
  });

  it('shows people no control character of what the API says', async () => {
    const evil = 'x\u001b]52;c;ZXZpbA==\u0007\u009b2J\u202e\r\ny';
    const page = { items: [jobOf('failed', { requested_by: evil })], next_cursor: null };
    api = await startTinyApi({
      'GET /api/jobs': (_, response) => answer(response, page),
      [jobPath]: (_, response) => answerProblem(response, 409, { code: 'conflict', title: evil }),
    });
    const { out } = await run('jobs list');
    expect(out.split('\n')[1]).toMatch(/x\ufffd]52;c;ZXZpbA==\ufffd\ufffd2J\ufffd\ufffd\ufffdy$/);
    const { err } = await run(`jobs show ${jobId}`);
    for (const shown of [out, err]) expect(shown).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
    expect(err).toContain('x\ufffd]52;c;ZXZpbA==');
    const machine = await run('jobs list --json');
    expect(JSON.parse(machine.out)).toEqual(page);
  });

  it('makes and deletes templates', async () => {
    const made = { description: '', built_in: false, overridden: false, has_password: true };
    const times = { updated_by: 'me', updated_at: '2026-01-31T12:00:00Z' };
    api = await startTinyApi({
      'POST /api/bulk-users/config/templates': (_, response) =>
        answer(response, { name: 'qa', config: { user_role: 'qa' }, ...made, ...times }, 201),
      'DELETE /api/bulk-users/config/templates/qa': (_, response) => void response.writeHead(204).end(),
    });
    const created = await run('templates create qa --role qa --password Secret123');
    expect(created).toMatchObject({ code: 0, out: expect.stringMatching(/^qa +own +- +qa +yes/m) });
    expect(JSON.parse(api.requests[0]?.body ?? '')).toEqual({
      name: 'qa',
      config: { user_role: 'qa', password: 'Secret123' },
    });
    expect(await run('templates delete qa')).toMatchObject({ code: 0 });
    expect(await run('templates delete none')).toMatchObject({ code: 1 });
  });

  it('follows to the end with progress on stderr and the result on stdout', async () => {
    api = await startTinyApi({
      [createPath]: (_, response) => answer(response, jobOf('queued'), 202),
      ...ended('succeeded', { result: { successful_count: 10 } }),
    });
    const { code, out } = await run('users create --count 10 --follow');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('successful_count  10') });
  });

  it('prints one JSON document for machines, and nothing else', async () => {
    api = await startTinyApi(ended('succeeded'));
    const { out, err } = await run(`jobs follow ${jobId} --json`);
    expect(JSON.parse(out)).toMatchObject({ id: jobId, status: 'succeeded' });
    expect(err).toBe('');
  });

  it('says a usage error to machines as it says the others', async () => {
    api = await startTinyApi({});
    const { code, out, err } = await run('--json users creat');
    expect({ code, out, said: JSON.parse(err) }).toEqual({
      code: 2,
      out: '',
      said: { error: 'usage', message: expect.stringContaining("unknown command 'creat'") },
    });
  });

  it('shows the rows of a snapshot with all digits', async () => {
    const rows = 'GET /api/snapshots/a/tables/staffs/rows';
    const items = [{ price: JSON.rawJSON('1.50'), id: JSON.rawJSON('12345678901234567890') }];
    api = await startTinyApi({ [rows]: (_, response) => answer(response, { total: 1, items }) });
    const { out } = await run('snapshots rows a --table staffs');
    expect(out).toBe('{"price":1.50,"id":12345678901234567890}\n');
  });

  it('says that a snapshot has no such rows, and not an empty line', async () => {
    const rows = 'GET /api/snapshots/a/tables/staffs/rows';
    api = await startTinyApi({ [rows]: (_, response) => answer(response, { total: 7, items: [] }) });
    const { code, out, err } = await run('snapshots rows a --table staffs --offset 9');
    expect({ code, out, err }).toEqual({
      code: 0,
      out: '',
      err: expect.stringContaining('staffs the snapshot has 7'),
    });
  });

  it.each([
    ['users batches', '/api/bulk-users/batches'],
    ['users candidates', '/api/bulk-users/lifecycle/cleanup-candidates'],
    ['users sync-runs', '/api/bulk-users/sync/runs'],
    ['accounts list', '/api/users'],
    ['load-tests list', '/api/load-tests'],
    ['jobs list', '/api/jobs'],
    ['datasets list', '/api/datasets'],
    ['snapshots list', '/api/snapshots'],
    ['settings history', '/api/settings/history'],
    ['templates list', '/api/bulk-users/config/templates'],
    ['notifications runs', '/api/deadline-notifications/runs'],
    ['notifications unknown', '/api/deadline-notifications/deliveries'],
    ['notifications deliveries 1', '/api/deadline-notifications/runs/1/deliveries'],
    ['notifications failures 1', '/api/deadline-notifications/runs/1/failures'],
  ])('says of a list that there is more than the page: %s', async (command, path) => {
    const page = { items: [], next_cursor: 'c', older_than_days: 1 };
    api = await startTinyApi({ [`GET ${path}`]: (_, response) => answer(response, page) });
    const { code, out } = await run(`${command} --limit 1`);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^There are more: .*--limit/m) });
  });

  it('exits with 5 when the job did not succeed', async () => {
    api = await startTinyApi(ended('failed', { error: { code: 'no_user_created', message: 'None of 10' } }));
    const { code, out, err } = await run(`jobs follow ${jobId}`);
    expect(code).toBe(5);
    expect(out).toContain('no_user_created: None of 10');
    expect(err).toContain(`jobs retry ${jobId}`);
  });

  it('says on Ctrl-C that the job goes on, and how to cancel it', async () => {
    const interrupt = new AbortController();
    api = await startTinyApi({
      [`${jobPath}/events`]: (_, response) => {
        response.write(': still here\n\n');
        interrupt.abort(new Error('interrupted'));
      },
    });
    const { code, err } = await run(`jobs follow ${jobId}`, { signal: interrupt.signal });
    expect(code).toBe(130);
    expect(err).toContain(`job ${jobId} goes on`);
    expect(err).toContain(`npm run muster -- jobs cancel ${jobId}`);
  });

  it('prints every fault of a refused request', async () => {
    const errors = [
      { pointer: '/count', code: 'too_small', detail: 'must be 1 or more' },
      { pointer: '/config/username_pattern', code: 'invalid', detail: 'has no {id}' },
    ];
    api = await startTinyApi({
      [createPath]: (_, response) =>
        answerProblem(response, 422, { code: 'validation_failed', title: 'The request has faults', errors }),
    });
    const { code, err } = await run('users create --count 1');
    expect(code).toBe(1);
    expect(err).toContain('/count  must be 1 or more [too_small]');
    expect(err).toContain('/config/username_pattern  has no {id} [invalid]');
    expect(err).toContain('request r-1');
  });

  it('exits with 4 without a valid key, and says where keys come from', async () => {
    api = await startTinyApi({
      'GET /api/workers': (_, response) =>
        answerProblem(response, 401, { code: 'unauthenticated', title: 'A valid API key is required' }),
    });
    const { code, err } = await run('workers');
    expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('MUSTER_API_KEY') });
  });

  it('tries a read again when the connection is lost', async () => {
    let calls = 0;
    api = await startTinyApi({
      'GET /api/workers': (request, response) => {
        if (++calls === 1) request.socket.destroy();
        else answer(response, { items: [] });
      },
    });
    expect((await run('workers --json')).code).toBe(0);
  });

  it('submits once, even when the connection is lost', async () => {
    api = await startTinyApi({ [createPath]: request => request.socket.destroy() });
    expect((await run('users create --count 1')).code).toBe(3);
    expect(api.seen(createPath)).toHaveLength(1);
  });

  it('exits with 3 when no API answers', async () => {
    api = await startTinyApi({});
    const { code, err } = await run('users stats', { url: 'http://127.0.0.1:1' });
    expect({ code, err }).toEqual({
      code: 3,
      err: expect.stringContaining('No answer from http://127.0.0.1:1'),
    });
  });

  it.each([
    'users create',
    'users create --count many',
    'nonsense',
    'users stats --api nowhere',
    'users stats --api ftp://127.0.0.1',
  ])('exits with 2 for a wrong command line: %s', async args => {
    api = await startTinyApi({});
    expect((await run(args)).code).toBe(2);
  });

  it('shows a health check that fails, and fails', async () => {
    const down = { status: 'down' };
    const checks = {
      postgres: down,
      application_database: down,
      queue: down,
      guards: down,
      workers: { ...down, count: 0 },
    };
    api = await startTinyApi({
      'GET /api/health': (_, response) =>
        answer(response, { status: 'down', version: '1', uptime_seconds: 1, checks }, 503),
    });
    const { code, out } = await run('health');
    expect(code).toBe(1);
    expect(out).toContain('postgres              down');
  });
});

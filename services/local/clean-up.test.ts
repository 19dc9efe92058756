import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cleanUpBeforeStop } from './clean-up.ts';

let server: Server;
let requests: string[];
let lines: string[];

const jobOf = (more: object) => ({
  id: '0198c0de-0000-7000-8000-000000000001',
  kind: 'bulk-users.cleanup',
  status: 'running',
  progress: null,
  result: null,
  error: null,
  requested_by: 'local',
  attempts: 1,
  created_at: '2026-01-01T00:00:00.000Z',
  started_at: null,
  finished_at: null,
  links: {
    self: '/api/jobs/1',
    events: '/api/jobs/1/events',
    cancel: '/api/jobs/1/cancel',
    retry: '/api/jobs/1/retry',
  },
  ...more,
});

/** Answers each path with its value, as JSON. */
async function stopWith(answers: Record<string, object>, deadlineMs = 5000): Promise<void> {
  server = createServer((request, response) => {
    const what = `${request.method} ${request.url?.replace(/jobs\/.+/, 'jobs')}`;
    requests.push(what);
    response.setHeader('content-type', 'application/json');
    response.statusCode = what in answers ? 200 : 503;
    response.end(JSON.stringify(answers[what] ?? {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const apiUrl = `http://127.0.0.1:${port}`;
  await cleanUpBeforeStop({ apiUrl, apiKey: 'key', say: line => void lines.push(line), deadlineMs });
}

beforeEach(() => {
  requests = [];
  lines = [];
});
afterEach(() => server.close());

const on = { 'GET /api/settings': { cleanup_on_shutdown: true } };
const submit = 'POST /api/bulk-users/lifecycle/cleanup';

describe('before the local stack stops', () => {
  it('nothing is deleted unless cleanup_on_shutdown is on', async () => {
    await stopWith({ 'GET /api/settings': { cleanup_on_shutdown: false } });
    expect({ requests, lines }).toEqual({ requests: ['GET /api/settings'], lines: [] });
  });

  it('all test users are deleted, and it is told how many', async () => {
    const end = {
      status: 'succeeded',
      result: { deleted_count: 7 },
      finished_at: '2026-01-01T00:00:01.000Z',
    };
    await stopWith({ ...on, [submit]: jobOf({}), 'GET /api/jobs': jobOf(end) });
    expect(lines.at(-1)).toBe('Cleanup succeeded: 7 users deleted.');
  });

  it('a stack that was drained lets the cleanup in, and nothing after it', async () => {
    const drained = { 'GET /api/settings': { cleanup_on_shutdown: true, accepting_jobs: false } };
    const end = {
      status: 'succeeded',
      result: { deleted_count: 7 },
      finished_at: '2026-01-01T00:00:01.000Z',
    };
    await stopWith({ ...drained, 'PUT /api/settings': {}, [submit]: jobOf(end) });
    expect(requests).toEqual(['GET /api/settings', 'PUT /api/settings', submit, 'PUT /api/settings']);
    expect(lines.at(-1)).toBe('Cleanup succeeded: 7 users deleted.');
  });

  it('the stop does not wait for ever, and not for an API that refuses', async () => {
    await stopWith({ ...on, [submit]: jobOf({}), 'GET /api/jobs': jobOf({}) }, 1);
    expect(lines.at(-1)).toContain('goes on with the next start');
    server.close();
    await stopWith(on);
    expect(lines.at(-1)).toContain('The test users stay');
  });
});

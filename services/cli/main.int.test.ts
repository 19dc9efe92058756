import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { answer, jobId, jobOf, startTinyApi } from './testing/tiny-api.ts';

let api: Awaited<ReturnType<typeof startTinyApi>>;
afterEach(() => api.stop());

/** Runs a command line as a process of its own, whose stdout nobody reads: what is written there fails with EPIPE. */
async function runUnread(...args: string[]): Promise<{ code: number | null; err: string }> {
  const child = spawn(process.execPath, ['services/cli/main.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', API: api.url, MUSTER_API_KEY: 'key-of-an-operator' },
  });
  child.stdout.destroy();
  const [err] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, err };
}

describe('a command whose output nobody reads to its end', () => {
  it('ends in silence, as it would have otherwise', async () => {
    api = await startTinyApi({
      'GET /api/workers': (_, response) => answer(response, { items: [] }),
      'GET /api/bulk-users/export': (_, response) => void response.end('{"users":[]}'),
    });
    const ends = await Promise.all([runUnread('workers'), runUnread('export', 'users')]);
    expect(ends).toEqual([
      { code: 0, err: '' },
      { code: 0, err: '' },
    ]);
  });

  it('keeps the exit code of what it followed', async () => {
    api = await startTinyApi({
      [`GET /api/jobs/${jobId}/events`]: (_, response) => void response.end(),
      [`GET /api/jobs/${jobId}`]: (_, response) => answer(response, jobOf('failed')),
    });
    expect(await runUnread('jobs', 'follow', jobId)).toMatchObject({
      code: 5,
      err: expect.stringContaining('The job ended as failed'),
    });
  });
});

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { job } from '../../shared/http/jobs.ts';
import { bodyOf } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { queueSchema } from '../servers/templates.ts';

const databases = testDatabases();
const running: ChildProcessByStdio<null, Readable, null>[] = [];

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** The API as its own process, on a free port: its address, and the key that it printed if it made one. */
async function startProcess() {
  const child = spawn(process.execPath, ['services/api/main.ts'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PORT: '0',
      DATABASE_URL: databases.platformUrl,
      APP_DATABASE_URL: databases.applicationUrl,
      QUEUE_PREFIX: queueSchema,
      MUSTER_ENCRYPTION_KEY: 'ab'.repeat(32),
    },
  });
  running.push(child);
  let key: string | undefined;
  for await (const line of createInterface(child.stdout)) {
    key ??= /first admin API key: (\S+)/.exec(line)?.[1];
    const url = /"url":"([^"]+)".*"msg":"listening"/.exec(line)?.[1];
    if (url !== undefined) return { child, url, key };
  }
  throw new Error('The API ended before it listened');
}

it('prints the first key once, and stops on SIGTERM with its streams ended and exit code 0', async () => {
  const first = await startProcess();
  const second = await startProcess();
  expect(first.key).toMatch(/^muster_[\w-]{43}$/);
  expect(second.key).toBeUndefined();

  const headers = { 'X-API-Key': first.key ?? '', 'Content-Type': 'application/json' };
  const created = await fetch(`${first.url}/api/bulk-users/create`, {
    method: 'POST',
    headers,
    body: '{"count":1}',
  });
  const { links } = await bodyOf(created, job);
  const stream = await fetch(second.url + links.events, { headers });
  const events = stream.text();

  const stoppedAt = performance.now();
  for (const { child } of [first, second]) child.kill('SIGTERM');
  const exits = await Promise.all([first, second].map(({ child }) => once(child, 'exit')));
  expect(exits).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(performance.now() - stoppedAt).toBeLessThan(5000);
  expect(await events).toContain('event: status');
});

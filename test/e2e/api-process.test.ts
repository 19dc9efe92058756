import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { job } from '../../shared/http/jobs.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { newToken } from '../../shared/platform/crypto.ts';
import { bodyOf } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { queueSchema } from '../servers/templates.ts';

const databases = testDatabases();
const running: ChildProcessByStdio<null, Readable, null>[] = [];

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** The API as its own process, on a free port: its address, and the key that it printed if it made one. */
async function startProcess(settings: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['services/api/main.ts'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PORT: '0',
      DATABASE_URL: databases.platformUrl,
      APP_DATABASE_URL: databases.applicationUrl,
      QUEUE_PREFIX: queueSchema,
      MUSTER_ENCRYPTION_KEY: 'ab'.repeat(32),
      ...settings,
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

it('survives a login whose target and batch are both refused', async () => {
  const key = newToken('muster');
  const { child, url } = await startProcess({ MUSTER_API_KEY: key });
  const statuses: number[] = [];
  for (let request = 0; request < 2; request++) {
    const { status } = await fetch(`${url}/api/users/sessions/bulk-login`, {
      method: 'POST',
      headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
      body: JSON.stringify({ target_url: 'http://192.0.2.1/', batch_id: newId() }),
    });
    statuses.push(status);
  }
  expect(statuses).toEqual([422, 422]);
  expect(child.exitCode).toBeNull();
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runInTest } from '../testing/run-in-test.ts';
import { answer, answerProblem, startTinyApi } from '../testing/tiny-api.ts';

let api: Awaited<ReturnType<typeof startTinyApi>>;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-cli-'));
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

const run = (args: string) =>
  runInTest(args, { url: api.url, env: { MUSTER_API_KEY: 'key-of-an-operator' } });

describe('muster accounts and export', () => {
  it('streams a file into the account pool, as its name says', async () => {
    const file = join(folder, 'users.ndjson.gz');
    await writeFile(file, gzipSync('{"username":"a","email":"a@example.com"}\n'));
    const result = { success: true, synced_count: 1, failed_count: 0, created: 1, updated: 0, deleted: 0 };
    const more = {
      unchanged: 0,
      errors: [],
      sync_timestamp: '2026-01-31T12:00:00Z',
      duration: 1,
      bytes_sent: 9,
      bytes_received: 9,
      in_sync: true,
    };
    api = await startTinyApi({
      'POST /api/users/import': (_, response) => answer(response, { ...result, ...more }),
    });
    const { code, out } = await run(`accounts import ${file}`);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/created +1/) });
    expect(api.requests[0]?.headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
    });
  });

  it('blames the command line for a file that can be neither read nor written', async () => {
    api = await startTinyApi({
      'GET /api/load-tests/1/report': (_, response) => void response.end('<html>'),
    });
    const nowhere = join(folder, 'none', 'users.json');
    for (const [command, reason] of [
      [`accounts import ${nowhere}`, 'cannot be read'],
      [`accounts import ${folder}`, 'is a folder'],
      [`export users -o ${nowhere}`, 'cannot be written'],
      [`load-tests report 1 -o ${nowhere}`, 'cannot be written'],
    ] as const) {
      expect(await run(command)).toMatchObject({ code: 2, err: expect.stringContaining(reason) });
    }
  });

  it('lists accounts, and tells how many there are', async () => {
    const id = '0199d1a0-0000-7000-8000-000000000002';
    const time = '2026-01-31T12:00:00Z';
    const account = {
      ...{ id, source_id: null, username: 'a', email: 'a@x', role: 'user', is_test_user: true },
      ...{ test_batch_id: id, custom_attributes: {}, status: 'synced', has_password: true },
      ...{ created_at: time, updated_at: time, synced_at: null, deleted_at: null },
    };
    const stats = {
      total_users: 7,
      by_batch: { [id]: 7 },
      active_sessions: 2,
      leased: 1,
      digest: 'beefbeefbeefbeef',
    };
    api = await startTinyApi({
      'GET /api/users': (_, response) => answer(response, { items: [account], next_cursor: 'c' }),
      'GET /api/users/stats': (_, response) => answer(response, stats),
    });
    const listed = await run(`accounts list --batch ${id} --limit 1`);
    expect(listed).toMatchObject({ code: 0, out: expect.stringMatching(/^a +user +synced +known +0199/m) });
    expect(listed.out).toContain('There are more');
    expect(await run('accounts stats')).toMatchObject({ code: 0, out: expect.stringMatching(/leased +1/) });
  });

  it('writes an export to stdout or into a file, or says why it cannot', async () => {
    const path = 'GET /api/bulk-users/export';
    api = await startTinyApi({ [path]: (_, response) => void response.end('{"users":[]}') });
    expect(await run('export users --test-users')).toMatchObject({ code: 0, out: '{"users":[]}' });
    const file = join(folder, 'users.json');
    const { out } = await run(`--json export users -o ${file}`);
    expect([JSON.parse(out), await readFile(file, 'utf8')]).toEqual([{ file }, '{"users":[]}']);
    await api.stop();
    const refusal = { code: 'forbidden', title: 'The API key may not do this' };
    api = await startTinyApi({ [path]: (_, response) => answerProblem(response, 403, refusal) });
    const { code, err } = await run('export users --credentials');
    expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('forbidden, HTTP 403') });
  });
});

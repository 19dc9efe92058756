import { z } from 'zod';
import { bulkUsersCreate } from '../../../../shared/contracts/bulk-users.ts';
import { newApiKey } from '../../../../shared/http/api-keys.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { createLogger } from '../../../../shared/platform/log.ts';
import { openQueueBackend } from '../../../../shared/platform/queue/backend.ts';
import { createQueueClient } from '../../../../shared/platform/queue/client.ts';
import { createApiKey, deleteApiKey } from '../../../../shared/store/access/api-keys.ts';
import { closeSession, openSession } from '../../../../shared/store/access/web-sessions.ts';
import { appendLog } from '../../../../shared/store/jobs/job-events.ts';
import { claimJob, finishJob, releaseJob, saveProgress } from '../../../../shared/store/jobs/job-runs.ts';
import { findJob, insertJob, requeueJob } from '../../../../shared/store/jobs/jobs.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';

const databases = testDatabases();
const api = testApi(databases, { QUEUE_PREFIX: postgresStore(databases).prefix });
const db = () => databases.platform.db;

async function submit(kind = 'bulk-users.create'): Promise<string> {
  const id = newId();
  await insertJob(db(), { id, kind, payload: {}, requestedBy: 'ada' });
  return id;
}

async function claim(id: string) {
  const row = await claimJob(db(), id, 'w1');
  return { id, epoch: row?.epoch ?? 0 };
}

interface SentEvent {
  id: number;
  event: string;
  data: Record<string, unknown>;
}

const parse = (block: string): SentEvent => {
  const fields = new Map(
    block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  return {
    id: Number(fields.get('id')),
    event: fields.get('event') ?? '',
    data: JSON.parse(fields.get('data') ?? '{}'),
  };
};

interface ReadOptions {
  after?: string;
  until?: (event: SentEvent) => boolean;
  caller?: Record<string, string>;
}

/** Reads a stream until it ends, or until `until` says so; then hangs up. */
async function read(
  id: string,
  { after: lastId = '', until, caller = { 'X-API-Key': api.key } }: ReadOptions = {},
): Promise<SentEvent[]> {
  const hangUp = new AbortController();
  const response = await fetch(`${api.url}/api/jobs/${id}/events`, {
    headers: { ...caller, 'Last-Event-ID': lastId },
    signal: hangUp.signal,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const events: SentEvent[] = [];
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    events.push(...blocks.filter(block => block.startsWith('id:')).map(parse));
    const last = events.at(-1);
    if (last !== undefined && until?.(last)) {
      hangUp.abort();
      break;
    }
  }
  return events;
}

describe('the event stream of a job', () => {
  it('ends by itself once the key is revoked or the session is over', async () => {
    const id = await submit();
    const key = await createApiKey(db(), { name: 'x', role: 'viewer', createdBy: 'test' });
    const other = await createApiKey(db(), { name: 'y', role: 'viewer', createdBy: 'test' });
    const session = await openSession(db(), other.id);
    const listening = [
      [{ 'X-API-Key': key.token }, () => deleteApiKey(db(), key.id)],
      [{ Cookie: `muster_session=${session}` }, () => closeSession(db(), session)],
    ] as const;
    const readings = listening.map(([caller, revoke]) =>
      read(id, {
        caller,
        until: () => {
          void revoke();
          return false;
        },
      }),
    );
    expect((await Promise.all(readings)).map(events => events.length)).toEqual([1, 1]);
  });

  it('tells what was and what comes, with ascending ids, and ends after the terminal event', async () => {
    const id = await submit();
    const reading = read(id);
    const lease = await claim(id);
    await saveProgress(db(), lease, { phase: 'creating', done: 1, total: 2 });
    await appendLog(db(), id, 'a line\nand another');
    await finishJob(db(), lease, { status: 'succeeded', result: { n: 2 } });
    const events = await reading;
    expect(events.map(({ event }) => event)).toEqual(['status', 'status', 'progress', 'log', 'result']);
    expect(events.at(-1)?.data).toEqual({ status: 'succeeded', result: { n: 2 }, error: null });
    expect(events.at(3)?.data).toEqual({ message: 'a line\nand another' });
    const ids = events.map(event => event.id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('goes on after Last-Event-ID, without a gap and without repeating', async () => {
    const id = await submit();
    const lease = await claim(id);
    const first = await read(id, { until: ({ data }) => data.status === 'running' });
    await appendLog(db(), id, 'while nobody listened');
    await finishJob(db(), lease, { status: 'failed', error: { code: 'x', message: 'y' } });
    const rest = await read(id, { after: String(first.at(-1)?.id) });
    expect(rest.map(({ event }) => event)).toEqual(['log', 'result']);
  });

  it('stays open over the end of an earlier run when the job was retried', async () => {
    const id = await submit();
    await finishJob(db(), await claim(id), { status: 'failed', error: { code: 'x', message: 'y' } });
    await requeueJob(db(), id);
    const reading = read(id);
    await finishJob(db(), await claim(id), { status: 'succeeded', result: null });
    const statuses = (await reading).map(({ data }) => data.status);
    expect(statuses).toEqual(['queued', 'running', 'failed', 'queued', 'running', 'succeeded']);
  });

  it('refuses a Last-Event-ID that is none, and a job that is none', async () => {
    const id = await submit();
    const bad = await api.call('GET', `/api/jobs/${id}/events`, { headers: { 'Last-Event-ID': 'x' } });
    expect(bad.status).toBe(422);
    expect((await api.call('GET', `/api/jobs/${newId()}/events`)).status).toBe(404);
  });

  it('goes on for others when many readers hang up at once', async () => {
    const id = await submit();
    const staying = read(id);
    await Promise.all(Array.from({ length: 20 }, () => read(id, { until: () => true })));
    await finishJob(db(), await claim(id), { status: 'succeeded', result: null });
    expect((await staying).map(({ data }) => data.status)).toEqual(['queued', 'running', 'succeeded']);
  });
});

describe('jobs over HTTP', () => {
  it('are cancelled while they wait, once', async () => {
    const id = await submit();
    const response = await api.call('POST', `/api/jobs/${id}/cancel`);
    expect([response.status, response.headers.get('location')]).toEqual([202, `/api/jobs/${id}`]);
    expect(await response.json()).toMatchObject({ id, status: 'cancelled', finished_at: expect.any(String) });
    const again = await api.call('POST', `/api/jobs/${id}/cancel`);
    expect([again.status, await again.json()]).toEqual([409, expect.objectContaining({ code: 'conflict' })]);
  });

  it('are cancelled without waiting for the time of their next try', async () => {
    const logger = createLogger('test', { level: 'silent' });
    const backend = await openQueueBackend({ ...postgresStore(databases), name: 'test', logger });
    const queue = createQueueClient(backend, [bulkUsersCreate]);
    const id = await submit();
    await releaseJob(db(), await claim(id), { code: 'x', message: 'y' });
    await queue.enqueue(bulkUsersCreate, { job_id: id }, { delayMs: 600_000 });
    const response = await api.call('POST', `/api/jobs/${id}/cancel`);
    expect([response.status, await response.json()]).toEqual([
      202,
      expect.objectContaining({ status: 'queued' }),
    ]);
    expect(await queue.state(bulkUsersCreate, id)).toBe('waiting');
    await queue.stop();
    await backend.stop();
  });

  it('are retried only after they ended short of success', async () => {
    const id = await submit();
    expect((await api.call('POST', `/api/jobs/${id}/retry`)).status).toBe(409);
    await finishJob(db(), await claim(id), { status: 'failed', error: { code: 'x', message: 'y' } });
    const response = await api.call('POST', `/api/jobs/${id}/retry`);
    expect([response.status, await response.json()]).toEqual([
      202,
      expect.objectContaining({ status: 'queued', error: null }),
    ]);
  });

  it('are retried by whom may start them: a cleanup by admins only, though operators may cancel one', async () => {
    const made = await api.call('POST', '/api/api-keys', { json: { name: 'ops', role: 'operator' } });
    const { api_key: key } = await bodyOf(made, newApiKey);
    const [creation, cleanup] = [await submit(), await submit('bulk-users.cleanup')];
    for (const id of [creation, cleanup])
      expect((await api.call('POST', `/api/jobs/${id}/cancel`, { key })).status).toBe(202);
    expect((await api.call('POST', `/api/jobs/${creation}/retry`, { key })).status).toBe(202);
    const refused = await api.call('POST', `/api/jobs/${cleanup}/retry`, { key });
    expect([refused.status, (await problemOf(refused)).code]).toEqual([403, 'forbidden']);
    expect(await findJob(db(), cleanup)).toMatchObject({ status: 'cancelled', run: 0 });
    expect((await api.call('POST', `/api/jobs/${cleanup}/retry`)).status).toBe(202);
  });

  it('are listed in pages, by kind and status', async () => {
    const ids = [await submit('bulk-users.create'), await submit('bulk-users.create')];
    const first = await api.call('GET', '/api/jobs?kind=bulk-users.create&status=queued&limit=1');
    const page = z.object({ items: z.array(z.unknown()), next_cursor: z.string() }).parse(await first.json());
    expect(page).toMatchObject({ items: [{ id: ids[1], links: { self: `/api/jobs/${ids[1]}` } }] });
    const { next_cursor } = page;
    const next = await (
      await api.call('GET', `/api/jobs?status=queued&limit=1&cursor=${next_cursor}`)
    ).json();
    expect(next).toMatchObject({ items: [{ id: ids[0] }] });
    expect((await api.call('GET', '/api/jobs?cursor=nonsense')).status).toBe(422);
  });
});

import express from 'express';
import { z } from 'zod';
import { defineOperation } from '../../shared/http/operation.ts';
import { AppError } from '../../shared/kernel/errors.ts';
import { sleep, waitFor } from '../../shared/kernel/time.ts';
import { type HttpServer, serveHttp } from '../../shared/platform/http-server.ts';
import { createLogger } from '../../shared/platform/log.ts';
import { createApiKey, listApiKeys } from '../../shared/store/access/api-keys.ts';
import { bodyOf, problemOf } from '../../test/fixtures/api.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { createDispatcher } from './dispatch.ts';
import { accessLog } from './middleware/access-log.ts';
import { problems } from './middleware/problem.ts';
import { accepted, type Call, ok, route, stream } from './route.ts';

/** The dispatcher with operations of its own, which write to a real table. */
const databases = testDatabases();
const stopping = new AbortController();
const committed: string[] = [];
const streamEnds: unknown[] = [];
let server: HttpServer;

const widget = z.object({ id: z.string(), name: z.string() });
const base = { role: 'open', tag: 'Widgets', summary: 'A widget' } as const;
const makeWidget = defineOperation({
  ...base,
  id: 'makeWidget',
  method: 'post',
  path: '/widgets',
  body: z.strictObject({ name: z.string(), fail: z.boolean().default(false) }),
  responses: { 202: { description: 'Made', schema: widget } },
});
const makeSecret = defineOperation({ ...makeWidget, id: 'makeSecret', path: '/secrets', secretAnswer: true });
const getWidget = defineOperation({
  ...base,
  id: 'getWidget',
  method: 'get',
  path: '/widgets/{id}',
  params: z.strictObject({ id: z.string() }),
  responses: { 200: { description: 'It', schema: widget } },
});
const newest = defineOperation({
  ...getWidget,
  id: 'newest',
  path: '/widgets/newest',
  params: z.strictObject({}),
});
const ticks = defineOperation({
  ...base,
  id: 'ticks',
  method: 'get',
  path: '/ticks',
  responses: { 200: { description: 'Ticks', contentTypes: ['text/event-stream'] } },
});

type Making = Pick<Call<typeof makeWidget>, 'body' | 'db' | 'afterCommit'>;

const make = async ({ body, db, afterCommit }: Making) => {
  const key = await createApiKey(db, { name: body.name, role: 'viewer', createdBy: 'test' });
  afterCommit(async () => committed.push(body.name));
  afterCommit(() => Promise.reject(new Error('the queue is away')));
  if (body.fail) throw new AppError('conflict', 'as was asked');
  return accepted({ id: key.id, name: body.name }, `/widgets/${key.id}`);
};

async function* tick(signal: AbortSignal) {
  try {
    for (;;) {
      yield 'data: tick\n\n';
      await sleep(20, signal);
    }
  } finally {
    streamEnds.push(signal.reason);
  }
}

beforeAll(async () => {
  const routes = [
    route(getWidget, async ({ params }) => ok({ id: params.id, name: 'by id' })),
    route(newest, async () => ok({ id: '0', name: 'newest' })),
    route(makeWidget, make),
    route(makeSecret, make),
    route(ticks, async ({ signal }) => stream('text/event-stream', tick(signal))),
  ];
  const deps = {
    db: databases.platform.db,
    stopping: stopping.signal,
    guards: [],
    observe: () => (_request: unknown, _response: unknown, next: () => void) => next(),
  };
  const app = express();
  app.use(accessLog(createLogger('test', { level: 'silent' })), createDispatcher(deps, routes), problems());
  server = await serveHttp(app, { name: 'test', host: '127.0.0.1', port: 0 });
});
afterAll(() => server.stop());

const post = (path: string, body: object, key?: string) =>
  fetch(server.url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...(key !== undefined && { 'Idempotency-Key': key }) },
  });

const stored = async (name: string) => {
  const rows = await listApiKeys(databases.platform.db, undefined, 1000);
  return rows.filter(row => row.name === name).length;
};

describe('a writing operation', () => {
  it('commits, then does what was left for later, whose failure does not change the answer', async () => {
    const response = await post('/widgets', { name: 'plain' });
    expect(response.status).toBe(202);
    const body = await bodyOf(response, widget);
    expect(response.headers.get('location')).toBe(`/widgets/${body.id}`);
    expect(await stored('plain')).toBe(1);
    expect(committed).toContain('plain');
  });

  it('leaves nothing behind when it fails', async () => {
    const response = await post('/widgets', { name: 'failing', fail: true });
    expect(response.status).toBe(409);
    expect(await stored('failing')).toBe(0);
    expect(committed).not.toContain('failing');
  });
});

describe('an Idempotency-Key', () => {
  it('gives the first answer again, and does the work once', async () => {
    const first = await post('/widgets', { name: 'once' }, 'k-1');
    const again = await post('/widgets', { name: 'once' }, 'k-1');
    expect(again.status).toBe(202);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toEqual(await first.json());
    expect(await stored('once')).toBe(1);
    expect(committed.filter(name => name === 'once')).toHaveLength(1);
  });

  it('makes one of ten requests at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post('/widgets', { name: 'ten' }, 'k-2')),
    );
    const ids = await Promise.all(answers.map(async answer => (await bodyOf(answer, widget)).id));
    expect(new Set(ids).size).toBe(1);
    expect(await stored('ten')).toBe(1);
  });

  it('refuses another body', async () => {
    await post('/widgets', { name: 'same' }, 'k-3');
    const other = await post('/widgets', { name: 'other' }, 'k-3');
    expect(other.status).toBe(422);
    expect((await problemOf(other)).code).toBe('idempotency_key_reused');
    expect(await stored('other')).toBe(0);
  });

  it('keeps no errors: the same key may be tried again', async () => {
    expect((await post('/widgets', { name: 'retried', fail: true }, 'k-4')).status).toBe(409);
    expect((await post('/widgets', { name: 'retried' }, 'k-4')).status).toBe(202);
  });

  it('is free again when its day is over', async () => {
    await post('/widgets', { name: 'day one' }, 'k-5');
    await databases.platform
      .sql`update idempotency_keys set expires_at = now() - interval '1 s' where key = 'k-5'`;
    expect((await post('/widgets', { name: 'day two' }, 'k-5')).status).toBe(202);
    expect((await post('/widgets', { name: 'day one' }, 'k-5')).status).toBe(422);
  });

  it('does not store an answer that holds a secret', async () => {
    expect((await post('/secrets', { name: 'secret' }, 'k-6')).status).toBe(202);
    expect((await post('/secrets', { name: 'secret' }, 'k-6')).status).toBe(409);
    expect(await stored('secret')).toBe(1);
    const [row] = await databases.platform.sql`select body from idempotency_keys where key = 'k-6'`;
    expect(row).toEqual({ body: null });
  });

  it('must be short and printable', async () => {
    const response = await post('/widgets', { name: 'long key' }, 'k'.repeat(256));
    expect(response.status).toBe(422);
    expect((await problemOf(response)).errors?.[0]?.pointer).toBe('header:Idempotency-Key');
  });
});

describe('a route', () => {
  it('with a literal segment wins over one with a parameter', async () => {
    expect(await (await fetch(`${server.url}/widgets/newest`)).json()).toEqual({ id: '0', name: 'newest' });
    expect(await (await fetch(`${server.url}/widgets/7`)).json()).toEqual({ id: '7', name: 'by id' });
  });
});

describe('a stream', () => {
  it('ends at its source when the client goes away', async () => {
    const client = new AbortController();
    const response = await fetch(`${server.url}/ticks`, { signal: client.signal });
    await response.body?.getReader().read();
    client.abort();
    await waitFor('the source to end', () => streamEnds.length === 1);
  });

  it('has no body when only its head is asked for', async () => {
    const response = await fetch(`${server.url}/ticks`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    expect(response.headers.get('content-type')).toContain('text/event-stream');
  });

  it('ends when the process stops', async () => {
    const response = await fetch(`${server.url}/ticks`);
    stopping.abort();
    await response.text().catch(() => {});
    expect(streamEnds.length).toBeGreaterThan(1);
  });
});

import { once } from 'node:events';
import { request } from 'node:http';
import { storefrontMapping } from '../../shared/contracts/user-mapping.ts';
import { apiKey } from '../../shared/http/api-keys.ts';
import { pageOf } from '../../shared/http/pagination.ts';
import { createLogger } from '../../shared/platform/log.ts';
import { bodyOf, problemOf, testApi } from '../../test/fixtures/api.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { createGuardWatch } from './features/system/guard-watch.ts';
import { readHealth } from './features/system/health.ts';

const databases = testDatabases();
const api = testApi(databases);

describe('the API', () => {
  it('answers health without a key, degraded while no worker runs', async () => {
    const response = await api.call('GET', '/api/health', { key: null });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'degraded',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      uptime_seconds: expect.any(Number),
      checks: {
        postgres: { status: 'ok' },
        application_database: { status: 'ok' },
        queue: { status: 'ok' },
        guards: { status: 'ok' },
        workers: { status: 'down', count: 0 },
      },
    });
  });

  it('is degraded, not down, while production users are not guarded as they should be', async () => {
    const { platform: database, application: applicationDatabase } = databases;
    const read = () =>
      readHealth({
        version: '0',
        database,
        applicationDatabase,
        queue: { ping: async () => {} },
        guards: createGuardWatch(applicationDatabase.db, storefrontMapping),
        logger: createLogger('test', { level: 'silent' }),
      });
    await applicationDatabase.sql`alter table users disable trigger muster_guard_delete`;
    expect(await read()).toMatchObject({ status: 'degraded', checks: { guards: { status: 'down' } } });
    const watch = createGuardWatch(applicationDatabase.db, storefrontMapping);
    await expect(watch.assertWhole()).rejects.toThrow(
      'the trigger muster_guard_delete of public.users is not',
    );
    await applicationDatabase.sql`alter table users enable always trigger muster_guard_delete`;
    await expect(watch.assertWhole()).rejects.toThrow('is not'); // as of some seconds ago
    expect(await read()).toMatchObject({ checks: { guards: { status: 'ok' } } });
  });

  it('serves metrics by operation, job and queue', async () => {
    await api.call('GET', '/api/user/profile');
    const text = await (await api.call('GET', '/metrics', { key: null })).text();
    expect(text).toContain('muster_http_request_duration_seconds_count{operation="getProfile",status="200"}');
    expect(text).toContain('muster_queue_jobs{queue="bulk-users.create",state="waiting"} 0');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  it('takes a request id over when it is usable, and makes one otherwise', async () => {
    const given = await api.call('GET', '/api/health', { headers: { 'X-Request-Id': 'trace-1' } });
    expect(given.headers.get('x-request-id')).toBe('trace-1');
    const strange = await api.call('GET', '/api/health', { headers: { 'X-Request-Id': 'a b<c>' } });
    expect(strange.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('answers an unknown path with a problem that carries the request id', async () => {
    const response = await api.call('GET', '/api/nowhere', { headers: { 'X-Request-Id': 'trace-2' } });
    expect(response.status).toBe(404);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await problemOf(response)).toMatchObject({
      type: 'urn:muster:problem:not_found',
      status: 404,
      code: 'not_found',
      request_id: 'trace-2',
    });
  });

  it.each(['/api/%ff', '/api/jobs/%ff', '/api/jobs/%00', '/api/jobs/1', "/api/jobs/'; drop table jobs; --"])(
    'has nothing at %s',
    async path => {
      const response = await api.call('GET', path);
      expect(response.status).toBe(404);
      await problemOf(response);
    },
  );

  it('describes itself as OpenAPI 3.1, without references that lead nowhere', async () => {
    const response = await api.call('GET', '/api/openapi.json', { key: null });
    const text = await response.text();
    const document = JSON.parse(text);
    expect(document.openapi).toBe('3.1.0');
    expect(document.paths['/api/api-keys'].post.requestBody.content['application/json'].schema).toMatchObject(
      {
        type: 'object',
        required: ['name', 'role'],
        additionalProperties: false,
      },
    );
    expect(document.paths['/api/jobs'].get.parameters[0]).toMatchObject({
      name: 'limit',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 50 },
    });
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
  });

  it('serves the documentation page from itself alone', async () => {
    const page = await api.call('GET', '/api/docs/', { key: null });
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const links = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1] ?? '');
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) expect((await api.call('GET', link, { key: null })).status).toBe(200);
  });
});

describe('a body', () => {
  const post = (options: Parameters<typeof api.call>[2]) => api.call('POST', '/api/api-keys', options);

  it('is refused with all its faults at once', async () => {
    const response = await post({ json: { name: '', role: 'king', colour: 'red' } });
    expect(response.status).toBe(422);
    const { code, errors } = await problemOf(response);
    expect(code).toBe('validation_failed');
    expect(errors).toEqual([
      { pointer: '/name', code: 'too_small', detail: expect.any(String) },
      { pointer: '/role', code: 'not_allowed', detail: expect.any(String) },
      { pointer: '/colour', code: 'unknown_field', detail: 'is not known here' },
    ]);
  });

  it('is refused with its other faults where a value cannot be stored', async () => {
    const { errors } = await problemOf(await post({ json: { name: 'a\u0000', role: 'king', x: 1 } }));
    expect(errors?.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/name', 'invalid_character'],
      ['/role', 'not_allowed'],
      ['/x', 'unknown_field'],
    ]);
  });

  it('is refused when there is none', async () => {
    const { errors } = await problemOf(await post({}));
    expect(errors).toEqual([{ pointer: '', code: 'required', detail: 'is required' }]);
  });

  it.each([
    ['{"name": NaN}', 400, 'invalid_json'],
    ['{', 400, 'invalid_json'],
    ['\u0000', 400, 'invalid_json'],
    ['{"name": "a\\u0000b", "role": "viewer"}', 422, 'validation_failed'],
    ['{"name": "\\ud800", "role": "viewer"}', 422, 'validation_failed'],
    ['{"__proto__": {"role": "admin"}, "name": "x", "role": "viewer"}', 422, 'validation_failed'],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 422, 'validation_failed'],
  ])('number %# of the broken ones is refused', async (body, status, code) => {
    const response = await post({ body, headers: { 'Content-Type': 'application/json' } });
    expect(response.status).toBe(status);
    expect((await problemOf(response)).code).toBe(code);
  });

  it('must be JSON in UTF-8', async () => {
    for (const type of [
      'text/plain',
      'application/json; charset=latin1',
      'application/x-www-form-urlencoded',
    ]) {
      const response = await post({ body: '{}', headers: { 'Content-Type': type } });
      expect(response.status).toBe(415);
      await problemOf(response);
    }
    for (const type of ['application/json;', 'application/json; charset=utf-8; v=1']) {
      expect((await post({ body: '{}', headers: { 'Content-Type': type } })).status).toBe(422);
    }
    const latin1 = new Uint8Array([0x22, 0xff, 0x22]);
    const broken = await post({ body: latin1, headers: { 'Content-Type': 'application/json' } });
    expect(broken.status).toBe(400);
  });

  it('is refused above the limit, with the limit', async () => {
    const response = await post({ json: { name: 'x'.repeat(10_000_000) } });
    expect(response.status).toBe(413);
    expect((await problemOf(response)).detail).toContain('1048576 bytes');
  });

  it('is refused when it is broken while compressed', async () => {
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' };
    expect((await post({ body: 'not gzip', headers })).status).toBe(400);
    expect((await post({ body: 'x', headers: { ...headers, 'Content-Encoding': 'zip' } })).status).toBe(415);
  });

  it('that ends too early harms nobody', async () => {
    const sent = request(`${api.url}/api/api-keys`, {
      method: 'POST',
      headers: { 'X-API-Key': api.key, 'Content-Type': 'application/json', 'Content-Length': '1000' },
    });
    sent.on('error', () => {});
    sent.write('{');
    await once(sent, 'socket');
    sent.destroy();
    expect((await api.call('GET', '/api/health')).status).toBe(200);
  });
});

describe('a query', () => {
  it('is refused with all its faults, unknown names and repeated ones included', async () => {
    const response = await api.call('GET', '/api/api-keys?limit=0&cursor=a&cursor=b&colour=red');
    expect(response.status).toBe(422);
    const { errors } = await problemOf(response);
    expect(errors?.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['?limit', 'too_small'],
      ['?cursor', 'wrong_type'],
      ['?colour', 'unknown_field'],
    ]);
  });

  it('pages through a list to its end', async () => {
    for (const name of ['a', 'b', 'c']) {
      await api.call('POST', '/api/api-keys', { json: { name, role: 'viewer' } });
    }
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await bodyOf(await api.call('GET', `/api/api-keys?limit=2${cursor}`), pageOf(apiKey));
      seen.push(...page.items.map(({ name }) => name));
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    expect(seen.slice(-3)).toEqual(['a', 'b', 'c']);
    expect((await api.call('GET', '/api/api-keys?cursor=nonsense')).status).toBe(422);
  });
});

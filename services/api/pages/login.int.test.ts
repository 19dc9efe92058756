import { z } from 'zod';
import { newApiKey } from '../../../shared/http/api-keys.ts';
import { bodyOf, problemOf, testApi } from '../../../test/fixtures/api.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';

const databases = testDatabases();
const api = testApi(databases, { LOGIN_ATTEMPTS_PER_MINUTE: '16', TRUST_PROXY: '1' });

const form = 'application/x-www-form-urlencoded';
const logIn = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
  api.call('POST', '/login', {
    key: null,
    body: new URLSearchParams(fields).toString(),
    headers: { 'Content-Type': form, ...headers },
  });

async function sessionCookie(): Promise<string> {
  const response = await logIn({ api_key: api.key });
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

const asBrowser = (method: string, path: string, headers: Record<string, string>, json?: unknown) =>
  api.call(method, path, { key: null, headers, ...(json !== undefined && { json }) });

describe('the login page', () => {
  it('opens a session for a key, in a cookie that scripts and other sites cannot use', async () => {
    const response = await logIn({ api_key: api.key, next: '/admin/queues/queue/bulk-users.create?page=2' });
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe('/admin/queues/queue/bulk-users.create?page=2');
    expect(response.headers.get('set-cookie')).toMatch(
      /^muster_session=session_[\w-]{43}; Max-Age=43200; Path=\/; Expires=.*; HttpOnly; SameSite=Strict$/,
    );
    const stored = await databases.platform.sql`select digest from web_sessions`;
    expect(response.headers.get('set-cookie')).not.toContain(stored[0]?.digest);
  });

  it('keeps its cookie to this very host where there is TLS', async () => {
    const tls = { 'X-Forwarded-Proto': 'https' };
    const response = await logIn({ api_key: api.key }, tls);
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^__Host-muster_session=.*; Path=\/; .*; HttpOnly; Secure; SameSite=Strict$/);
    expect(cookie).not.toContain('Domain');
    const [pair = ''] = cookie.split(';');
    const profile = (Cookie: string) => asBrowser('GET', '/api/user/profile', { ...tls, Cookie });
    expect((await profile(pair)).status).toBe(200);
    expect((await profile(pair.replace('__Host-', ''))).status).toBe(401);
  });

  it.each([
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ])('lets no page of another site log anybody in or out: %j', async headers => {
    for (const path of ['/login', '/logout']) {
      const options = {
        key: null,
        body: `api_key=${api.key}`,
        headers: { 'Content-Type': form, ...headers },
      };
      const response = await api.call('POST', path, options);
      expect([response.status, response.headers.get('set-cookie')]).toEqual([403, null]);
    }
  });

  it('says that a key is wrong', async () => {
    const response = await logIn({ api_key: 'wrong', next: '"><script>' });
    expect(response.status).toBe(401);
    expect(await response.text()).toMatch(/not a valid API key/);
  });

  it.each([
    ['a form that is too long', 413, {}, `api_key=${'x'.repeat(9000)}`],
    ['too many fields', 413, {}, 'a&'.repeat(1001)],
    ['an unknown charset', 415, { 'Content-Type': `${form}; charset=foo` }, 'api_key=x'],
    ['an unknown encoding', 415, { 'Content-Encoding': 'foo' }, 'api_key=x'],
    ['what is not compressed', 400, { 'Content-Encoding': 'gzip' }, 'api_key=x'],
  ])('is shown again for %s, with the reason', async (_case, status, headers, body) => {
    const response = await api.call('POST', '/login', {
      key: null,
      body,
      headers: { 'Content-Type': form, ...headers },
    });
    expect(response.status).toBe(status);
    expect(await response.text()).toContain('name="api_key"');
  });

  it('leads to no other site', async () => {
    for (const next of ['https://evil.example/', '//evil.example', '/\\evil.example', '/\t/evil.example']) {
      const page = await api.call('GET', `/login?next=${encodeURIComponent(next)}`, { key: null });
      expect(page.status).toBe(200);
      expect(await page.text()).toContain('name="next" value="/dashboard"');
    }
  });

  it('needs no script and no other host', async () => {
    const page = await api.call('GET', '/login', { key: null });
    expect(page.headers.get('content-security-policy')).toContain("style-src 'self'");
    expect((await api.call('GET', '/assets/pages/pages.css', { key: null })).status).toBe(200);
  });
});

describe('a session', () => {
  it('works for the API, and for writing from our own pages only', async () => {
    const cookie = await sessionCookie();
    const make = (headers: Record<string, string>) =>
      asBrowser('POST', '/api/api-keys', { Cookie: cookie, ...headers }, { name: 'x', role: 'viewer' });
    expect((await asBrowser('GET', '/api/user/profile', { Cookie: cookie })).status).toBe(200);
    expect((await make({ 'Sec-Fetch-Site': 'same-origin' })).status).toBe(201);
    expect((await make({ Origin: api.url })).status).toBe(201);
    expect((await make({ Origin: 'https://evil.example' })).status).toBe(403);
    expect((await make({ 'Sec-Fetch-Site': 'cross-site', Origin: api.url })).status).toBe(403);
    expect((await make({})).status).toBe(403);
  });

  it('ends when it is over, and at logout', async () => {
    const cookie = await sessionCookie();
    const profile = () => asBrowser('GET', '/api/user/profile', { Cookie: cookie });
    expect((await profile()).status).toBe(200);
    const left = await asBrowser('POST', '/logout', { Cookie: cookie });
    expect(left.headers.get('location')).toBe('/login');
    expect((await profile()).status).toBe(401);

    const late = await sessionCookie();
    await databases.platform.sql`update web_sessions set expires_at = now() - interval '1 s'`;
    expect((await asBrowser('GET', '/api/user/profile', { Cookie: late })).status).toBe(401);
  });
});

describe('Bull Board', () => {
  it('asks a browser to log in, and an API client for a key', async () => {
    const path = '/admin/queues/queue/bulk-users.create?status=active';
    const page = await asBrowser('GET', path, { Accept: 'text/html,*/*' });
    expect(page.status).toBe(303);
    expect(page.headers.get('location')).toBe(`/login?next=${encodeURIComponent(path)}`);
    expect((await asBrowser('GET', '/admin/queues/api/queues', {})).status).toBe(401);
  });

  it('shows every queue to viewers, and lets admins act', async () => {
    const made = await api.call('POST', '/api/api-keys', { json: { name: 'v', role: 'viewer' } });
    const { api_key: key } = await bodyOf(made, newApiKey);
    expect((await api.call('GET', '/admin/queues', { key, headers: { Accept: 'text/html' } })).status).toBe(
      200,
    );
    const board = await api.call('GET', '/admin/queues/api/queues', { key });
    const { queues } = await bodyOf(board, z.object({ queues: z.array(z.object({ name: z.string() })) }));
    expect(queues.map(({ name }) => name)).toContain('bulk-users.create');
    const pause = '/admin/queues/api/queues/bulk-users.create/pause';
    expect((await api.call('PUT', pause, { key })).status).toBe(403);
    expect((await api.call('PUT', pause)).status).toBe(200);
    await api.call('PUT', '/admin/queues/api/queues/bulk-users.create/resume');
  });

  it.each([
    ['broken JSON', 400, '{'],
    ['a body that is too large', 413, `"${'x'.repeat(200_000)}"`],
  ])('answers %s with a problem', async (_case, status, body) => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await api.call('POST', '/admin/queues/api/queues/nope/add', { body, headers });
    expect(response.status).toBe(status);
    expect((await problemOf(response)).detail).not.toContain('node_modules');
  });
});

it('counts login attempts by address', async () => {
  let response = await logIn({ api_key: 'wrong' });
  for (let attempts = 0; attempts < 15 && response.status === 401; attempts += 1) {
    response = await logIn({ api_key: 'wrong' });
  }
  expect(response.status).toBe(429);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await response.text()).toMatch(/Too many requests/);
});

import fc from 'fast-check';
import { sessions } from '../../../drizzle/application/schema/sessions.ts';
import { users } from '../../../drizzle/application/schema/users.ts';
import { tokenDigest } from '../../../shared/platform/crypto.ts';
import type { HttpServer } from '../../../shared/platform/http-server.ts';
import { hashPassword } from '../../../shared/platform/passwords/password.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { cookieOf, logIn, startStorefront } from '../../../test/fixtures/storefront.ts';

const { application } = testDatabases();
const password = 'Käse & 🧀 123!';
let shop: HttpServer;

beforeAll(async () => {
  const passwordHash = await hashPassword(password);
  await application.db.insert(users).values([
    { username: 'alice', email: 'alice@shop.example', passwordHash, role: 'admin' },
    { username: 'bob', email: 'bob@shop.example', passwordHash: await hashPassword('the password of bob') },
    // Someone whose username is another one's address.
    { username: 'bob@shop.example', email: 'mallory@shop.example', passwordHash },
    { username: 'broken', email: 'broken@shop.example', passwordHash: 'not a hash' },
  ]);
  shop = await startStorefront(application);
});
beforeEach(() => application.db.delete(sessions));
afterAll(() => shop.stop());

const post = (body: string, contentType = 'application/json', headers: Record<string, string> = {}) =>
  fetch(`${shop.url}/login`, { method: 'POST', body, headers: { 'content-type': contentType, ...headers } });

describe('POST /login', () => {
  it('answers with the profile, and nothing of the password', async () => {
    const response = await logIn(shop.url, 'alice', password);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      user: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        username: 'alice',
        email: 'alice@shop.example',
        role: 'admin',
      },
    });
  });

  it('takes an email address, and a form', async () => {
    const form = new URLSearchParams({ username: 'alice@shop.example', password }).toString();
    const response = await post(form, 'application/x-www-form-urlencoded');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ user: { username: 'alice' } });
  });

  it('prefers the user of that name to the user of that address', async () => {
    const response = await logIn(shop.url, 'bob@shop.example', password);
    expect(await response.json()).toMatchObject({ user: { email: 'mallory@shop.example' } });
  });

  it('sets a cookie for a day that scripts cannot read and other sites cannot post', async () => {
    const response = await logIn(shop.url, 'alice', password);
    const attributes = response.headers.getSetCookie()[0]?.split('; ') ?? [];
    expect(attributes).toEqual(
      expect.arrayContaining(['HttpOnly', 'SameSite=Lax', 'Path=/', 'Max-Age=86400']),
    );
    expect(attributes[0]).toMatch(/^session=shop_[\w-]{43}$/);
  });

  it("stores the token's digest only, with an expiry a day ahead", async () => {
    const cookie = cookieOf(await logIn(shop.url, 'alice', password));
    const stored = await application.db.select().from(sessions);
    expect(stored).toHaveLength(1);
    expect(stored[0]?.tokenHash).toBe(tokenDigest(cookie.replace('session=', '')));
    const lifetimeMs = Number(stored[0]?.expiresAt) - Number(stored[0]?.createdAt);
    expect(lifetimeMs).toBe(86_400_000);
  });

  it.each([
    ['a wrong password', 'alice', 'wrong'],
    ['an unknown user', 'nobody', password],
    ['another spelling of the name', 'Alice', password],
    ['SQL in the name', "alice' or '1'='1", password],
    ['a user whose stored hash is broken', 'broken', 'not a hash'],
  ])('refuses %s with the same 401, and opens no session', async (_case, username, given) => {
    const response = await logIn(shop.url, username, given);
    expect(response.status).toBe(401);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await response.json()).toEqual({ error: 'invalid_credentials' });
    expect(await application.db.$count(sessions)).toBe(0);
  });

  it.each([
    ['broken JSON', '{"username":'],
    ['nothing', ''],
    ['an array', '["alice"]'],
    ['null', 'null'],
    ['a missing password', '{"username":"alice"}'],
    ['an empty password', '{"username":"alice","password":""}'],
    ['a number for a name', '{"username":1,"password":"x"}'],
    ['an object for a password', '{"username":"alice","password":{"$ne":null}}'],
    ['NUL in the name', '{"username":"ali\\u0000ce","password":"x"}'],
    ['a name longer than the column', JSON.stringify({ username: 'a'.repeat(256), password: 'x' })],
    ['an endless password', JSON.stringify({ username: 'alice', password: 'x'.repeat(1025) })],
  ])('answers %s with 400', async (_case, body) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: expect.stringMatching(/^(bad_request|invalid_body)$/),
    });
  });

  it('names every fault of a body', async () => {
    const response = await post('{"username":""}');
    expect(await response.json()).toMatchObject({
      message: expect.stringMatching(/^username: .+; password: .+$/),
    });
  });

  it('refuses a repeated form field, which would be a list', async () => {
    const response = await post(
      'username=alice&username=bob&password=x',
      'application/x-www-form-urlencoded',
    );
    expect(response.status).toBe(400);
  });

  it('refuses a body of 10 MB with 413', async () => {
    const response = await post(JSON.stringify({ username: 'alice', password: 'x'.repeat(10_000_000) }));
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ error: 'payload_too_large' });
  });

  it.each([
    ['text/plain', {}],
    ['multipart/form-data; boundary=x', {}],
    ['application/json; charset=latin9', {}],
    ['application/json', { 'content-encoding': 'rot13' }],
  ])('refuses a body of type %s with headers %j with 415', async (contentType, headers) => {
    const response = await post('{}', contentType, headers);
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ error: 'unsupported_media_type' });
  });

  it('never fails, whatever text or JSON arrives', async () => {
    const credentials = fc.record({ username: fc.string({ unit: 'binary' }), password: fc.string() });
    const body = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      credentials.map(value => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(body, async text => {
        const response = await post(text);
        await response.arrayBuffer();
        expect([400, 401]).toContain(response.status);
      }),
      { numRuns: 150 },
    );
  });
});

import { eq, sql } from 'drizzle-orm';
import { sessions } from '../../../drizzle/application/schema/sessions.ts';
import { users } from '../../../drizzle/application/schema/users.ts';
import { waitFor } from '../../../shared/kernel/time.ts';
import type { HttpServer } from '../../../shared/platform/http-server.ts';
import { createLogger } from '../../../shared/platform/log.ts';
import { hashPassword } from '../../../shared/platform/passwords/password.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { cookieOf, logIn, startStorefront } from '../../../test/fixtures/storefront.ts';
import { createSessionPruner } from './pruner.ts';
import { openSession } from './store.ts';

const { application } = testDatabases();
const { db } = application;
const logger = createLogger('test', { level: 'silent' });
let shop: HttpServer;
let passwordHash: string;

beforeAll(async () => {
  passwordHash = await hashPassword('open sesame');
  shop = await startStorefront(application);
});
beforeEach(async () => {
  await db.delete(users);
  await db.insert(users).values({ username: 'alice', email: 'alice@shop.example', passwordHash });
});
afterAll(() => shop.stop());

const logInAlice = async () => cookieOf(await logIn(shop.url, 'alice', 'open sesame'));
const me = (cookie: string) => fetch(`${shop.url}/me`, { headers: { cookie } });
const logOut = (headers: Record<string, string> = {}) =>
  fetch(`${shop.url}/logout`, { method: 'POST', headers });
const expireAll = () => db.update(sessions).set({ expiresAt: sql`now()` });

describe('GET /me', () => {
  it('tells who is logged in, among other cookies', async () => {
    const response = await me(`theme=dark; ${await logInAlice()}; cart=1`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ user: { username: 'alice', role: 'user' } });
  });

  it.each(['', 'session=', 'session', 'session=shop_unknown', 'other=1', `session=${'x'.repeat(8000)}`])(
    'answers 401 to the cookie header %j',
    async cookie => {
      const response = await me(cookie);
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({ error: 'unauthenticated' });
    },
  );

  it('knows a session no longer once it has expired', async () => {
    const cookie = await logInAlice();
    await expireAll();
    expect((await me(cookie)).status).toBe(401);
  });

  it("forgets a deleted user's sessions", async () => {
    const cookie = await logInAlice();
    await db.delete(users).where(eq(users.username, 'alice'));
    expect((await me(cookie)).status).toBe(401);
    expect(await db.$count(sessions)).toBe(0);
  });
});

describe('POST /logout', () => {
  it('ends that session, takes the cookie back, and leaves the other sessions of the user', async () => {
    const [here, elsewhere] = [await logInAlice(), await logInAlice()];
    const response = await logOut({ cookie: here });
    expect(response.status).toBe(204);
    expect(response.headers.getSetCookie()[0]).toMatch(/^session=;.*Expires=Thu, 01 Jan 1970/);
    expect((await me(here)).status).toBe(401);
    expect((await me(elsewhere)).status).toBe(200);
  });

  it('answers as ever to who has no session', async () => {
    expect((await logOut()).status).toBe(204);
    expect((await logOut({ cookie: 'session=unknown' })).status).toBe(204);
  });
});

describe('opening a session', () => {
  it('waits for a deletion of its user, and then opens none', async () => {
    const [alice] = await db.select().from(users);
    const session = { userId: alice?.id ?? '', tokenHash: 'abc', lifetimeSeconds: 60 };
    const deletion = await db.transaction(async tx => {
      await tx.delete(users);
      const opened = openSession(db, session);
      await waitFor('the login to wait for the deletion', async () => {
        const blocked = await db.execute(
          sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return blocked.length === 1;
      });
      return { opened };
    });
    expect(await deletion.opened).toBe(false);
  });
});

describe('the session pruner', () => {
  it('deletes what has expired and keeps what has not', async () => {
    await logInAlice();
    await expireAll();
    const alive = await logInAlice();
    const pruner = createSessionPruner({ db, logger });
    expect(await pruner.runOnce()).toBe(1);
    expect(await pruner.runOnce()).toBe(0);
    expect((await me(alive)).status).toBe(200);
  });

  it('begins by itself once it is started, before its first interval is over', async () => {
    await logInAlice();
    await expireAll();
    const pruner = createSessionPruner({ db, logger });
    pruner.start();
    await waitFor('the expired session to go', async () => (await db.$count(sessions)) === 0);
    await pruner.stop();
  });
});

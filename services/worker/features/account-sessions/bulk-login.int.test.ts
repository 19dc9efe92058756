import { users } from '../../../../drizzle/application/schema/users.ts';
import { accounts } from '../../../../drizzle/platform/schema/accounts.ts';
import {
  type BulkLoginInput,
  bulkLogin,
  defaultLogin,
} from '../../../../shared/contracts/account-sessions.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { waitFor } from '../../../../shared/kernel/time.ts';
import type { HttpServer } from '../../../../shared/platform/http-server.ts';
import { hashPassword } from '../../../../shared/platform/passwords/password.ts';
import { openSession } from '../../../../shared/store/accounts/account-session-secrets.ts';
import { countSessions } from '../../../../shared/store/accounts/account-sessions.ts';
import { findJob, insertJob, type JobRow, requeueJob } from '../../../../shared/store/jobs/jobs.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { startTarget } from '../../../../test/fixtures/load-target.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';
import { startStorefront } from '../../../../test/fixtures/storefront.ts';
import { testVault } from '../../../../test/fixtures/vault.ts';
import { type RunningWorker, runWorker } from '../../../../test/fixtures/worker.ts';

const databases = testDatabases();
const db = () => databases.platform.db;
const batchId = newId();
const password = 'TestPass123!';
let shop: HttpServer;
let worker: RunningWorker;

beforeAll(async () => {
  const passwordHash = await hashPassword(password);
  const names = Array.from({ length: 6 }, (_, index) => `user${index}`);
  const emailOf = (username: string) => `${username}@shop.example`;
  await databases.application.db
    .insert(users)
    .values(names.map(username => ({ username, email: emailOf(username), passwordHash })));
  await db()
    .insert(accounts)
    .values([
      ...names.map(username => account(username, password)),
      account('wrong', 'not the password'),
      { ...account('unknown', ''), sealedPassword: null },
    ]);
  shop = await startStorefront(databases.application);
  worker = await runWorker(databases, postgresStore(databases));
});
afterAll(async () => {
  await worker.stop();
  await shop.stop();
});

const account = (username: string, plain: string, testBatchId = batchId) => ({
  username,
  email: `${username}@shop.example`,
  role: 'user',
  testBatchId,
  sealedPassword: testVault.seal(plain),
  status: 'synced' as const,
});

async function begin(input: Partial<BulkLoginInput>): Promise<string> {
  const id = newId();
  const payload: BulkLoginInput = {
    batch_id: batchId,
    origin: shop.url,
    login: defaultLogin,
    concurrency: 4,
    rate_per_second: null,
    limit: null,
    force: false,
    ...input,
  };
  await insertJob(db(), { id, kind: bulkLogin.name, payload, requestedBy: 'test' });
  await worker.queue.enqueue(bulkLogin, { job_id: id });
  return id;
}

const untilEnded = (id: string): Promise<JobRow> =>
  waitFor('the end of the job', async () => {
    const job = await findJob(db(), id);
    return job?.finishedAt != null && job;
  });

const run = async (input: Partial<BulkLoginInput>): Promise<JobRow> => untilEnded(await begin(input));

it('logs accounts in, keeps their sessions sealed, and says why others failed', async () => {
  const job = await run({});
  expect(job).toMatchObject({
    status: 'partially_succeeded',
    result: {
      attempted: 8,
      logged_in: 6,
      failed: 2,
      failures: { invalid_credentials: 1, no_password: 1 },
      p95_ms: expect.any(Number),
    },
  });
  const rows = await databases.platform.sql`
    select username, sealed_session as sealed, expires_at as expires from account_sessions
    join accounts on accounts.id = account_id where state = 'active' order by username`;
  expect(rows.map(row => row.username)).toEqual([0, 1, 2, 3, 4, 5].map(index => `user${index}`));
  const [first] = rows;
  expect(first?.sealed).not.toContain('session=');
  expect(Date.parse(first?.expires) - Date.now()).toBeGreaterThan(86_000_000);
  const me = await fetch(`${shop.url}/me`, { headers: openSession(testVault, first?.sealed) });
  expect(await me.json()).toMatchObject({ user: { username: 'user0' } });
});

it('passes over who has a session, unless told to; and a retry tries those that failed', async () => {
  const again = await run({});
  expect(again).toMatchObject({ status: 'failed', error: { code: 'nobody_logged_in' } });
  expect(again.result).toMatchObject({ attempted: 2, failed: 2 });
  await databases.platform.sql`
    update accounts set sealed_password = ${testVault.seal(password)}, username = 'user0@shop.example'
    where username = 'wrong'`;
  await requeueJob(db(), again.id);
  await worker.queue.reviveAll(bulkLogin, [{ job_id: again.id }]);
  const retried = await waitFor('the retry', async () => {
    const job = await findJob(db(), again.id);
    return job?.run === 1 && job.finishedAt !== null && job;
  });
  expect(retried.result).toMatchObject({ attempted: 2, logged_in: 1, failures: { no_password: 1 } });
  expect((await run({ limit: 3, force: true })).result).toMatchObject({ attempted: 3 });
  expect((await run({ force: true })).result).toMatchObject({ attempted: 8, logged_in: 7 });
  expect(await countSessions(db(), batchId)).toEqual([
    {
      origin: shop.url,
      active: 7,
      expired: 0,
      failed: 1,
      failures: { no_password: 1 },
      nextExpiry: expect.any(Date),
    },
  ]);
});

describe('at a target of its own kind', () => {
  const other = newId();
  const seen: { at: number; body: string; url: string | undefined }[] = [];
  let answer: (
    body: string,
    times: number,
  ) => { status: number; headers?: Record<string, string>; text?: string };
  let target: Awaited<ReturnType<typeof startTarget>>;
  const bearer: Partial<BulkLoginInput> = {
    batch_id: other,
    login: {
      ...defaultLogin,
      path: '/token?v=1',
      content_type: 'form',
      body: { user: '{username}', secret: '<{password}>' },
      session: { type: 'bearer', json_pointer: '/data/access_token' },
    },
  };

  beforeAll(async () => {
    await db()
      .insert(accounts)
      .values([account('ann', '{username}', other), account('ben', 'b', other)]);
    target = await startTarget((request, response) => {
      let body = '';
      request.on('data', chunk => {
        body += chunk;
      });
      request.on('end', () => {
        seen.push({ at: performance.now(), body, url: request.url });
        const { status, headers, text = '' } = answer(body, seen.filter(one => one.body === body).length);
        response.writeHead(status, headers).end(text);
      });
    });
  });
  beforeEach(() => seen.splice(0));
  afterAll(() => target.stop());

  it('reads a bearer token and its expiry, after a wait that the target asked for', async () => {
    const claims = Buffer.from(JSON.stringify({ exp: 4_000_000_000 })).toString('base64url');
    answer = (_body, times) =>
      times === 1
        ? { status: 429, headers: { 'retry-after': '1' } }
        : { status: 200, text: JSON.stringify({ data: { access_token: `a.${claims}.c` } }) };
    const job = await run({ ...bearer, origin: target.origin, concurrency: 1 });
    expect(job).toMatchObject({ status: 'succeeded', result: { attempted: 2, logged_in: 2 } });
    expect(seen[0]).toMatchObject({ url: '/token?v=1', body: 'user=ann&secret=%3C%7Busername%7D%3E' });
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThanOrEqual(990);
    const [row] = await databases.platform.sql`
      select sealed_session as sealed, expires_at as expires from account_sessions where origin = ${target.origin}`;
    expect(openSession(testVault, row?.sealed)).toEqual({ authorization: `Bearer a.${claims}.c` });
    expect(Date.parse(row?.expires)).toBe(4_000_000_000_000);
  });

  it('follows redirects on the origin to a session, and never off it', async () => {
    const cookie: Partial<BulkLoginInput> = { batch_id: other, origin: target.origin, force: true };
    answer = body =>
      body === ''
        ? { status: 200, headers: { 'set-cookie': 'sid=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT' } }
        : { status: 302, headers: { location: '/welcome' } };
    expect((await run(cookie)).result).toMatchObject({ logged_in: 2 });
    expect(seen.map(({ url }) => url)).toContain('/welcome');
    answer = () => ({ status: 302, headers: { location: `${shop.url}/welcome` } });
    expect((await run(cookie)).result).toMatchObject({ logged_in: 0, failures: { no_session: 2 } });
  });

  it('keeps to the rate, and ends when it is cancelled', async () => {
    answer = () => ({ status: 200, headers: { 'set-cookie': 'sid=1' } });
    const kept = await run({ batch_id: other, origin: target.origin, force: true, rate_per_second: 4 });
    expect(kept.result).toMatchObject({ logged_in: 2 });
    seen.splice(0);
    const id = await begin({ batch_id: other, origin: target.origin, force: true, rate_per_second: 0.01 });
    await waitFor('the first login', async () => {
      const job = await findJob(db(), id);
      return job?.progress?.done === 1;
    });
    await databases.platform.sql`update jobs set cancel_requested_at = now() where id = ${id}`;
    expect(await untilEnded(id)).toMatchObject({
      status: 'cancelled',
      result: { attempted: 1, logged_in: 1 },
    });
    expect(seen).toHaveLength(1); // the other's turn would have come after 100 seconds
  });

  it('ends with the reason when the sessions cannot be kept, and a retry goes on', async () => {
    answer = () => ({ status: 200, headers: { 'set-cookie': 'sid=1' } });
    await databases.platform.sql`
      alter table account_sessions add constraint poison check (sealed_session is null) not valid`;
    const id = await begin({ batch_id: other, origin: target.origin, force: true });
    const ended = await untilEnded(id);
    await databases.platform.sql`alter table account_sessions drop constraint poison`;
    expect(ended).toMatchObject({
      status: 'failed',
      error: { code: 'chunk_refused', message: expect.stringContaining('poison') },
    });
    await requeueJob(db(), id);
    await worker.queue.reviveAll(bulkLogin, [{ job_id: id }]);
    const retried = await waitFor('the retry', async () => {
      const job = await findJob(db(), id);
      return job?.run === 1 && job.finishedAt !== null && job;
    });
    expect(retried).toMatchObject({ status: 'succeeded', result: { logged_in: 2 } });
  });

  it('connects to allowed addresses only', async () => {
    const job = await run({ batch_id: other, origin: 'http://169.254.169.254' });
    expect(job).toMatchObject({ status: 'failed', result: { failures: { not_allowed: 2 } } });
  });
});

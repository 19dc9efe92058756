import { idOf, newId } from '../../shared/kernel/ids.ts';
import { tokenDigest } from '../../shared/platform/crypto.ts';
import { createLogger } from '../../shared/platform/log.ts';
import { createApiKey } from '../../shared/store/access/api-keys.ts';
import { openSession } from '../../shared/store/access/web-sessions.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { createHousekeeping } from './housekeeping.ts';

const databases = testDatabases();

it('deletes what is expired, and nothing else', async () => {
  const { db, sql } = databases.platform;
  const key = await createApiKey(db, { name: 'x', role: 'viewer', createdBy: 'test' });
  const [live, ended] = [await openSession(db, key.id), await openSession(db, key.id)];
  await sql`update web_sessions set expires_at = now() - interval '1 s' where digest = ${tokenDigest(ended)}`;
  await sql`insert into idempotency_keys (caller, key, request_digest, expires_at) values
    ('a', 'live', '', now() + interval '1 h'), ('a', 'ended', '', now() - interval '1 s')`;
  await sql`insert into rate_limits (key, points, expire) values
    ('live', 1, now()), ('ended', 1, now() - interval '2 minutes')`;
  await sql`insert into accounts (username, email, role, status, deleted_at) values
    ('live', '', '', 'created', null), ('fresh', '', '', 'deleted', now()),
    ('old', '', '', 'deleted', now() - interval '10 years')`;
  const [recent, long] = [newId(), idOf(Date.now() - 100 * 86_400_000, 'long ago')];
  await sql`insert into jobs (id, kind, status, payload, requested_by, finished_at) values
    (${recent}, 'test', 'succeeded', '{}', 'test', now()),
    (${long}, 'test', 'succeeded', '{}', 'test', now() - interval '91 days')`;

  await sql`insert into audit_log (at, actor, action) values
    (now() - interval '401 days', 'test', 'old'), (now() - interval '399 days', 'test', 'recent')`;

  const applicationDb = databases.application.db;
  const logger = createLogger('test', { level: 'silent' });
  const housekeeping = createHousekeeping({ db, applicationDb, logger });
  await housekeeping.runOnce();

  expect(await sql`select digest from web_sessions`).toEqual([{ digest: tokenDigest(live) }]);
  expect(await sql`select key from idempotency_keys`).toEqual([{ key: 'live' }]);
  expect(await sql`select key from rate_limits`).toEqual([{ key: 'live' }]);
  expect(await sql`select id from jobs`).toEqual([{ id: recent }]);
  expect(await sql`select action from audit_log`).toEqual([{ action: 'recent' }]);
  expect(await sql`select username from accounts order by 1`).toEqual([
    { username: 'fresh' },
    { username: 'live' },
  ]);
});

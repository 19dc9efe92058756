import { testDatabases } from '../../../test/fixtures/database.ts';
import { executedBy } from '../../../test/fixtures/plans.ts';
import { countSessions } from './account-sessions.ts';

const databases = testDatabases();

it('counts sessions in one pass over them', async () => {
  const { sql } = databases.platform;
  await sql`insert into accounts (username, email, role) select 'u' || n, 'u' || n, 'user' from generate_series(1, 2000) n`;
  await sql`insert into account_sessions (account_id, origin, state, failure_code, expires_at)
    select id, 'http://shop.example', case when n % 4 = 0 then 'failed' else 'active' end,
      case when n % 8 = 0 then 'http_401' when n % 8 = 4 then 'timeout' end, now() + (n % 4 - 1.5) * interval '1 hour'
    from (select id, row_number() over (order by id) as n from accounts) numbered`;
  await sql`analyze`;
  const executed = await executedBy(databases.platformUrl, async db =>
    expect(await countSessions(db, undefined)).toMatchObject([
      { active: 1000, expired: 500, failed: 500, failures: { http_401: 250, timeout: 250 } },
    ]),
  );
  expect(executed.reduce((sum, { rows }) => sum + rows, 0) / 2000).toBeLessThan(4.5); // sessions, accounts, both joined
});

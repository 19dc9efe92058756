import { testDatabases } from '../../../test/fixtures/database.ts';
import { executedBy } from '../../../test/fixtures/plans.ts';
import { listDeeds, pruneDeeds } from './audit-log.ts';

const databases = testDatabases();

it('finds the few deeds of an actor among the many of others', async () => {
  const { sql } = databases.platform;
  await sql`insert into audit_log (actor, action, subject) select 'eve', 'settings.change', 's' || n from generate_series(1, 5000) n`;
  await sql`insert into audit_log (actor, action) values ('ada', 'jobs.cancel')`;
  await sql`insert into audit_log (actor, action, subject) select 'eve', 'settings.change', 's' || n from generate_series(1, 5000) n`;
  await sql`vacuum analyze audit_log`;
  for (const filter of [{ actor: 'ada' }, { action: 'jobs.cancel' }, { subject: 's7' }]) {
    const executed = await executedBy(databases.platformUrl, async db => {
      expect((await listDeeds(db, { ...filter, limit: 51 })).length).toBeGreaterThan(0);
    });
    expect(executed.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThan(20);
  }
});

it('deletes what is old, so many lines a statement, and reads little of what stays', async () => {
  const { sql, db } = databases.platform;
  const lines = (count: number, days: number) => sql`
    insert into audit_log (at, actor, action)
    select now() - make_interval(days => ${days}), 'eve', days || ' days' from generate_series(1, ${count}), (select ${days}::int as days)`;
  await sql`truncate audit_log`;
  await lines(4500, 401);
  await lines(6000, 399);
  await pruneDeeds(db, 0);
  expect(await sql`select count(*)::int as lines from audit_log`).toEqual([{ lines: 10_500 }]);
  const executed = await executedBy(databases.platformUrl, each => pruneDeeds(each, 400));
  expect(executed.map(({ scanned }) => scanned)).toEqual([[], [], []]);
  for (const { rows } of executed) expect(rows).toBeLessThanOrEqual(4 * 2000);
  expect(await sql`select action, count(*)::int as lines from audit_log group by 1`).toEqual([
    { action: '399 days', lines: 6000 },
  ]);
});

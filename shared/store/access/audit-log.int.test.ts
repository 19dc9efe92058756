import { testDatabases } from '../../../test/fixtures/database.ts';
import { executedBy } from '../../../test/fixtures/plans.ts';
import { listDeeds } from './audit-log.ts';

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

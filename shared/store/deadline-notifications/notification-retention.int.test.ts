import { testDatabases } from '../../../test/fixtures/database.ts';
import { idOf, newId } from '../../kernel/ids.ts';
import { pruneNotifications } from './notification-retention.ts';

const databases = testDatabases();

it('deliveries go by age, plans first; what is unknown stays until it is settled', async () => {
  const { db, sql } = databases.application;
  const add = async (days: number, status: string) => {
    const id = idOf(Date.now() - days * 86_400_000, `${days} ${status}`);
    await sql`insert into muster.notification_deliveries
      (id, run_id, run, page_index, epoch, office_id, staff_id, channel, cycle_ids, status, code)
      values (${id}, ${newId()}, 0, 0, 1, ${newId()}, ${newId()}, 'email', '{}', ${status}, ${`${days} ${status}`})`;
  };
  for (const days of [1, 8, 91]) for (const status of ['planned', 'sent', 'unknown']) await add(days, status);
  await sql`insert into muster.notification_pages (run_id, run, page_index, status, finished_at) values
    (${newId()}, 0, 0, 'done', now() - interval '91 days'), (${newId()}, 0, 0, 'done', now())`;

  await pruneNotifications(db);

  const left = await sql<{ code: string }[]>`
    select code from muster.notification_deliveries order by id, code`;
  expect(left.map(({ code }) => code).toSorted()).toEqual(
    ['91 unknown', '8 sent', '8 unknown', '1 planned', '1 sent', '1 unknown'].toSorted(),
  );
  expect(await sql`select 1 from muster.notification_pages`).toHaveLength(1);
});

import { testDatabases } from '../../../test/fixtures/database.ts';
import { executedBy } from '../../../test/fixtures/plans.ts';
import { newId } from '../../kernel/ids.ts';
import { listBatchUsers } from './user-directory.ts';
import { readUsers } from './user-export.ts';
import { storefrontUsers } from './user-table.ts';

const databases = testDatabases();

it('reads of a batch the users of the page alone, the first batch or the last, the first page or the last', async () => {
  const { sql } = databases.application;
  const batches = Array.from({ length: 10 }, newId);
  for (const batch of batches)
    await sql`insert into users (username, email, password_hash, is_test_user, test_batch_id)
      select ${batch} || n, ${batch} || n, 'x', true, ${batch} from generate_series(1, 2000) n`;
  await sql`vacuum analyze users`;
  for (const batchId of [batches[0] ?? '', batches[9] ?? '']) {
    const [late] = await sql<{ id: string }[]>`
      select id from users where test_batch_id = ${batchId} order by id desc offset 10 limit 1`;
    for (const afterId of [undefined, late?.id]) {
      const page = { batchId, afterId, limit: 51 };
      const executed = await executedBy(databases.applicationUrl, db =>
        listBatchUsers(db, storefrontUsers, page),
      );
      expect(executed.map(({ rows }) => rows)).toEqual([afterId === undefined ? 102 : 20]); // of the index, and of the limit
    }
  }
});

it('pages by bytes through all users, each once, also through those whose attributes are long', async () => {
  const { sql, db } = databases.application;
  await sql`truncate users cascade`;
  await sql`insert into users (username, email, password_hash, custom_attributes)
    select 'u' || n, 'u' || n, 'x', jsonb_build_object('a', repeat('x', case when n % 3 = 0 then 50000 else 5 end))
    from generate_series(1, 60) n`;
  const pages: string[][] = [];
  for await (const page of readUsers(db, storefrontUsers, {}, { pageSize: 25 }))
    pages.push(page.map(({ username }) => username));
  expect(new Set(pages.flat()).size).toBe(60);
  expect(pages.flat()).toHaveLength(60);
  expect(Math.max(...pages.map(page => page.length))).toBeLessThan(25); // six of the long ones are more than a page
});

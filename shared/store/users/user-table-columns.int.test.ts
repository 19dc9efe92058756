import { testDatabases } from '../../../test/fixtures/database.ts';
import { storefrontMapping } from '../../contracts/user-mapping.ts';
import { userTable } from './user-table.ts';
import { readUserWidths } from './user-table-columns.ts';

const databases = testDatabases();

it('knows how many characters the mapped columns hold, and of which nothing bounds them', async () => {
  const { db, sql } = databases.application;
  await sql`create table people (login varchar(80), mail text, hash varchar, grade char(4), note varchar(5))`;
  const columns = {
    ...storefrontMapping.columns,
    username: { name: 'login', type: 'varchar' },
    email: { name: 'mail', type: 'text' },
    password_hash: { name: 'hash', type: 'varchar' },
    role: { name: 'grade', type: 'varchar' },
  };
  const people = userTable({ ...storefrontMapping, table: 'people', columns });
  expect(await readUserWidths(db, people)).toEqual({
    username: { column: 'login', width: 80 },
    role: { column: 'grade', width: 4 },
  });
});

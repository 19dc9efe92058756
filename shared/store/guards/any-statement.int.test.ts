import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { free, type Targets } from '../../../test/fixtures/attacks.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import {
  disentangle,
  entangle,
  makeOwner,
  makeProduction,
  productionRows,
} from '../../../test/fixtures/production.ts';
import { storefrontMapping } from '../../contracts/user-mapping.ts';
import { testDataRole } from '../../platform/test-data-role.ts';
import { guardedUsersOf, readGuardGraph } from './graph.ts';
import { readGuardScript } from './script.ts';

/** The law: whatever the role does, in whatever order, each row of production stays as it was, and none is added. */
const databases = testDatabases();
const owner = () => databases.application.sql;

/** Columns to compare and to set. */
const columns: Record<string, string[]> = {
  users: [
    'id',
    'username',
    'email',
    'role',
    'is_test_user',
    'test_batch_id',
    'created_by_bulk',
    'updated_at',
  ],
  sessions: ['user_id', 'token_hash', 'expires_at'],
  carts: ['id', 'user_id'],
  cart_items: ['cart_id', 'quantity'],
  orders: ['id', 'user_id', 'total_cents'],
  order_lines: ['order_id', 'line', 'quantity'],
  messages: ['sender_id', 'recipient_id', 'body'],
  replies: ['message_id', 'body'],
  notes: ['author_id', 'owner_id', 'body'],
  aliases: ['username', 'owner_id', 'parent_id'],
};
type Said = (targets: Targets) => string;

const place = fc
  .constantFrom(...Object.entries(columns))
  .chain(([table, names]) => fc.record({ table: fc.constant(table), column: fc.constantFrom(...names) }));
const somebody = fc.constantFrom<Said[]>(
  t => `'${t.alice.id}'`,
  t => `'${t.bare}'`,
  t => `'${t.tess.id}'`,
  t => `'${t.tess.username}'`,
  t => `'${t.batch}'`,
  t => `${t.alice.cart}`,
  t => `${t.tess.order}`,
);
const something = fc
  .constantFrom('true', 'false', 'null', '0', '7', `'alice'`, `'anything'`, 'now()', 'default')
  .map(
    (value): Said =>
      () =>
        value,
  );
const value = fc.oneof(somebody, something);
const where = fc
  .option(fc.record({ compare: fc.constantFrom('=', '<>', 'is distinct from', '>='), value }))
  .map(
    found => (column: string, t: Targets) =>
      found === null ? '' : ` where ${column} ${found.compare} ${found.value(t)}`,
  );

const deletion = fc.record({ place, where }).map(
  ({ place: { table, column }, ...d }): Said =>
    t =>
      `delete from ${table}${d.where(column, t)}`,
);
const change = fc.record({ place, where, value }).map(
  ({ place: { table, column }, ...d }): Said =>
    t =>
      `update ${table} set ${column} = ${d.value(t)}${d.where(column, t)}`,
);
const newcomer = fc
  .record({ name: fc.constantFrom('alice', 'mallory'), isTest: fc.boolean(), inBatch: fc.boolean() })
  .map(
    ({ name, isTest, inBatch }): Said =>
      t =>
        `insert into users (username, email, password_hash, is_test_user, test_batch_id)
        values ('${name}', '${name}', 'x', ${isTest}, ${inBatch ? `'${t.batch}'` : 'null'})
        on conflict (username) do update set email = excluded.email, is_test_user = ${isTest}`,
  );
const cleanup = fc.constant<Said>(t => `${free(t.tess)} delete from users where id = '${t.tess.id}'`);

/** Many are refused by a type or a foreign key; what is left meets the guards. */
const deed = fc.oneof(deletion, change, newcomer, cleanup);

/** What is refused is refused: the next one goes on. */
async function doAll(statements: string[]): Promise<number> {
  const connection = await databases.testData.sql.reserve();
  let done = 0;
  for (const statement of statements) {
    await connection.unsafe(statement).then(
      () => (done += 1),
      () => undefined,
    );
  }
  connection.release();
  return done;
}

/** A test user's note whose author went is nobody's from then on, and no row of production that changed. */
const withoutNotesOfNobody = (rows: Map<string, string[]>) =>
  new Map(
    [...rows].map(([name, list]) => [
      name,
      name.endsWith('.notes') ? list.filter(row => !/^\([^,]*,,,/.test(row)) : list,
    ]),
  );

it('holds for statements at random, by a role that may write to every table', async () => {
  const sql = owner();
  const { db } = databases.application;
  const production = await makeProduction(sql);
  for (const statement of await readGuardScript(db, storefrontMapping)) await sql.unsafe(statement);
  await sql.unsafe(`grant select, insert, update, delete on all tables in schema public to ${testDataRole};
    grant usage on all sequences in schema public to ${testDataRole}`);
  const graph = await readGuardGraph(db, guardedUsersOf(storefrontMapping));
  let done = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(deed, { minLength: 1, maxLength: 10 }),
      fc.boolean(),
      async (deeds, tangled) => {
        const batch = randomUUID();
        const targets = { ...production, batch, tess: await makeOwner(sql, `tess-${batch}`, batch) };
        await disentangle(sql);
        if (tangled) await entangle(sql, targets);
        const before = await productionRows(sql, graph);
        done += await doAll(deeds.map(statement => statement(targets)));
        expect(withoutNotesOfNobody(await productionRows(sql, graph))).toEqual(withoutNotesOfNobody(before));
      },
    ),
    { numRuns: 40 },
  );
  expect(done).toBeGreaterThan(40); // of some 220: enough went through to the guards
});

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { free, type Targets } from '../../../test/fixtures/attacks.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import {
  disentangle,
  entangle,
  type Link,
  linkKinds,
  linkUsers,
  makeOwner,
  makeProduction,
  type Owner,
  productionRows,
} from '../../../test/fixtures/production.ts';
import { storefrontMapping } from '../../contracts/user-mapping.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
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
  tickets: ['id', 'user_id'],
  attachments: ['user_id', 'ticket_id'],
  shipments: ['order_id', 'courier_id'],
};

/** Those of one run: users of production and test users, as many as it says, any of them. */
interface Cast extends Targets {
  people: Owner[];
}
type Said = (cast: Cast) => string;

/** One of the users of a run, by a number that any run can take. */
const anybody = fc.nat(20).map(
  number =>
    ({ people, tess }: Cast): Owner =>
      people[number % people.length] ?? tess,
);

const place = fc
  .constantFrom(...Object.entries(columns))
  .chain(([table, names]) => fc.record({ table: fc.constant(table), column: fc.constantFrom(...names) }));
const known = fc.constantFrom<Said[]>(
  t => `'${t.alice.id}'`,
  t => `'${t.bare}'`,
  t => `'${t.tess.id}'`,
  t => `'${t.tess.username}'`,
  t => `'${t.batch}'`,
  t => `${t.alice.cart}`,
  t => `${t.tess.order}`,
);
const somebody = fc.oneof(
  known,
  anybody.map(
    (of): Said =>
      cast =>
        `'${of(cast).id}'`,
  ),
  anybody.map(
    (of): Said =>
      cast =>
        String(of(cast).order),
  ),
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
    found => (column: string, t: Cast) =>
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
const child = fc
  .record({
    kind: fc.constantFrom<((from: Owner, to: Owner) => string)[]>(
      ({ id }) => `sessions (user_id, token_hash, expires_at) values ('${id}', '${randomUUID()}', now())`,
      ({ id }) => `carts (user_id) values ('${id}')`,
      ({ id }) => `orders (user_id, total_cents) values ('${id}', 1)`,
      ({ order }) => `order_lines select ${order}, 7, id, 1, 1 from products`,
      (from, to) => `messages (sender_id, recipient_id, body) values ('${from.id}', '${to.id}', 'new')`,
      (from, to) => `notes (author_id, owner_id, body) values ('${from.id}', '${to.id}', 'new')`,
      (from, to) => `aliases (username, owner_id) values ('${from.username}', '${to.id}')`,
      (from, to) => `shipments values (${from.order}, '${to.id}')`,
    ),
    from: anybody,
    to: anybody,
  })
  .map(
    ({ kind, from, to }): Said =>
      cast =>
        `insert into ${kind(from(cast), to(cast))}`,
  );
const cleanup = anybody.map(
  (of): Said =>
    cast => {
      const person = of(cast);
      return `${free(person)} delete from users where id = '${person.id}'`;
    },
);

/** Many are refused by a type or a foreign key; what is left meets the guards. */
const deed = fc.oneof(deletion, change, newcomer, child, cleanup);

/** Rows that refer to two users, and so are production's where one of them is. */
const links = fc.array(fc.record({ kind: fc.constantFrom(...linkKinds), from: anybody, to: anybody }), {
  maxLength: 6,
});

async function makeCast(known: Pick<Targets, 'alice' | 'bare'>, sizes: [number, number]): Promise<Cast> {
  const batch = randomUUID();
  const make = (count: number, batchId: string | null) =>
    Array.from({ length: count }, () => makeOwner(owner(), `u-${randomUUID()}`, batchId));
  const people = await Promise.all([...make(sizes[0], null), ...make(sizes[1], batch)]);
  const tess = await makeOwner(owner(), `tess-${batch}`, batch);
  return { ...known, batch, tess, people: [...people, known.alice, tess] };
}

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
      fc.tuple(fc.nat(3), fc.nat(3)),
      links,
      fc.boolean(),
      fc.tuple(fc.array(deed, { minLength: 1, maxLength: 10 }), fc.array(deed, { maxLength: 10 })),
      async (sizes, linked, tangled, sessions) => {
        const cast = await makeCast(production, sizes);
        await disentangle(sql);
        if (tangled) await entangle(sql, cast);
        const pairs = linked.map(({ kind, from, to }): Link => ({ kind, from: from(cast), to: to(cast) }));
        await linkUsers(sql, pairs);
        const before = await productionRows(sql, graph);
        const counts = sessions.map(deeds => doAll(deeds.map(statement => statement(cast))));
        for (const count of await Promise.all(counts)) done += count;
        expect(withoutNotesOfNobody(await productionRows(sql, graph))).toEqual(withoutNotesOfNobody(before));
      },
    ),
    { numRuns: 40 },
  );
  expect(done).toBeGreaterThan(40); // of some 220: enough went through to the guards
});

import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type Attack,
  aroundGuards,
  byCascade,
  free,
  onGuards,
  onRows,
  onSharedRows,
  refused,
  type Targets,
} from '../../../test/fixtures/attacks.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import {
  disentangle,
  entangle,
  makeOwner,
  makeProduction,
  productionRows,
} from '../../../test/fixtures/production.ts';
import { storefrontMapping } from '../../contracts/user-mapping.ts';
import { waitFor } from '../../kernel/time.ts';
import { withCopyConnection } from '../../platform/postgres/copy-connection.ts';
import type { Sql } from '../../platform/postgres/db.ts';
import { sqlStateOf } from '../../platform/postgres/sql-state.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { cleanChunks, takeChunks } from '../bulk-users/bulk-cleanup.ts';
import { storefrontUsers } from '../users/user-table.ts';
import { findGuardFaults } from './faults.ts';
import { type GuardGraph, guardedUsersOf, readGuardGraph } from './graph.ts';
import { readGuardScript } from './script.ts';

/**
 * After each attempt every row of production is what it was. All is tried against all guards, and then with guards taken
 * away, to show that none leans on another; last without any, to show that the attacks are real.
 */
const databases = testDatabases();
const owner = () => databases.application.sql;
let graph: GuardGraph;
let production: Pick<Targets, 'alice' | 'bare'>;
/** The test user is a new one for each attempt. */
let targets: Targets;

beforeAll(async () => {
  const sql = owner();
  production = await makeProduction(sql);
  await sql.unsafe(`create view all_users as select * from users; grant all on all_users to ${testDataRole}`);
  await sql.unsafe(`create function purge_users() returns void language sql security definer
    as 'delete from users where username like ''testuser%'''`);
  const { db } = databases.application;
  for (const statement of await readGuardScript(db, storefrontMapping)) await sql.unsafe(statement);
  graph = await readGuardGraph(db, guardedUsersOf(storefrontMapping));
});

beforeEach(async () => {
  const batch = randomUUID();
  await disentangle(owner());
  targets = { ...production, batch, tess: await makeOwner(owner(), `tess-${batch}`, batch) };
});

/** Does it as the role, to the end. Gives the SQLSTATE of a refusal. */
async function attempt(statements: string): Promise<string | undefined> {
  const connection = await databases.testData.sql.reserve();
  try {
    await connection.unsafe(`begin; ${statements}; commit`);
    return undefined;
  } catch (error) {
    return sqlStateOf(error) ?? String(error);
  } finally {
    await connection.unsafe('rollback');
    await connection.unsafe('discard all');
    connection.release();
  }
}

const copyIn = (): Promise<string | undefined> =>
  withCopyConnection(databases.testDataUrl, { name: 'test', signal: AbortSignal.timeout(5000) }, connection =>
    connection.copyIn(
      'copy users (username, email, password_hash) from stdin',
      Readable.from([Buffer.from('mallory\tmallory\tx\n')]),
    ),
  ).then(
    () => undefined,
    (error: unknown) => sqlStateOf(error),
  );

async function expectUnharmed(attack: () => Promise<unknown>): Promise<void> {
  const before = await productionRows(owner(), graph);
  await attack();
  expect(await productionRows(owner(), graph)).toEqual(before);
}

/** That an attack does no harm, and that it is the guards which say so, not a mistake in the attack. */
const expectAnswer = (statements: Attack[1], { state }: { state: string | undefined }): Promise<void> =>
  expectUnharmed(async () => expect(await attempt(statements(targets))).toBe(state));

/** Undoes it all. */
async function expectHarm(statements: Attack[1]): Promise<void> {
  await entangle(owner(), targets);
  const before = await productionRows(owner(), graph);
  const connection = await databases.testData.sql.reserve();
  await connection.unsafe(`begin; ${statements(targets)}`);
  const after = await productionRows(connection, graph);
  await connection.unsafe('rollback');
  connection.release();
  expect(after).not.toEqual(before);
}

const giveOrderAway = (sql: Sql) =>
  sql`update orders set user_id = ${targets.alice.id} where id = ${targets.tess.order}`;
const deleteLines = (sql: Sql) =>
  sql.unsafe(`delete from order_lines where order_id = ${targets.tess.order}`);

const countAll = () =>
  graph.tables.map(({ name }) => `select count(*)::int as rows from ${name}`).join(' union all ');
/** What triggers refuse: all, where policies hide nothing. */
const withoutPolicies = (name: string) =>
  name === 'deletes in a block that swallows errors' ? { state: undefined } : refused;
const forAll = (command: (table: string) => string) =>
  graph.tables.map(({ name }) => command(name)).join(';');
const everything = `grant select, insert, update, delete, truncate, references on all tables in schema public to ${testDataRole};
  grant usage on all sequences in schema public to ${testDataRole}`;
const policiesOff = () => forAll(table => `alter table ${table} disable row level security`);
const policiesOn = () => forAll(table => `alter table ${table} enable row level security`);
const triggersOff = () => forAll(table => `alter table ${table} disable trigger user`);

describe('not one row of production changes, when somebody', () => {
  it.each([...onRows, ...aroundGuards, ...onGuards])('%s', async (_name, statements, answer = refused) => {
    await expectAnswer(statements, answer);
  });
  it.each(onSharedRows)('%s', async (_name, statements, answer = refused) => {
    await entangle(owner(), targets);
    await expectAnswer(statements, answer);
  });

  it.each(byCascade)('%s', async (_name, statements) => {
    await entangle(owner(), targets);
    await expectAnswer(statements, refused);
  });

  it('copies in a production user', async () => {
    await expectUnharmed(async () => expect(await copyIn()).toBe('0A000'));
  });

  it("writes to a ledger that is no bulk users'", async () => {
    await expectUnharmed(async () =>
      expect(await attempt(`insert into muster.notification_paces values ('email', now())`)).toBe('42501'),
    );
  });

  it.each([
    ['forges the ledger: the key of a production user, under the id of a batch', () => randomUUID()],
    ['uses the id of a batch again: the key of a production user, beside its users', () => targets.batch],
  ])('%s', async (_name, id) => {
    const batchId = id();
    await owner()`
      insert into muster.bulk_chunks (batch_id, chunk_index, first_id, size, status, created_count)
      values (${batchId}, 0, 1, 1, 'done', 1)`;
    await databases.testData.sql`
      update muster.bulk_chunks set user_keys = ${[targets.bare]} where batch_id = ${batchId}`;
    const cleanUp = () =>
      databases.testData.db.transaction(async tx => {
        const taken = await takeChunks(tx, { batchId, limit: 1, except: [] });
        const [users, countGone] = [storefrontUsers, async () => 0];
        await cleanChunks(tx, { users, batchId, mark: 'cleaned', references: [], countGone }, taken);
      });
    await expectUnharmed(() =>
      expect(cleanUp()).rejects.toThrow('has 1 users in the ledger; 0 could be deleted and 0 are gone'),
    );
  });

  it("deletes what a snapshot from before has for a test user, and what is a production user's by now", async () => {
    const connection = await databases.testData.sql.reserve();
    await connection.unsafe('begin isolation level repeatable read; select from order_lines');
    await giveOrderAway(owner());
    await expectUnharmed(async () => {
      await expect(deleteLines(connection)).rejects.toMatchObject({ code: '42501' });
      await connection.unsafe('rollback');
    });
    connection.release();
  });

  it('deletes the lines of an order while it is given to a production user', async () => {
    const connection = await databases.testData.sql.reserve();
    const application = await owner().reserve();
    await application.unsafe('begin');
    await giveOrderAway(application);
    const deletion = deleteLines(connection).then(() => undefined, sqlStateOf);
    await waitFor('the deletion to wait for the order', async () => {
      const waiting = await owner()`
        select from pg_stat_activity where usename = ${testDataRole} and wait_event_type = 'Lock'
          and datname = current_database()`;
      return waiting.length > 0 || undefined;
    });
    await application.unsafe('commit');
    application.release();
    expect(await deletion).toBe('42501');
    connection.release();
    expect(await owner()`select from order_lines where order_id = ${targets.tess.order}`).toHaveLength(1);
  });

  describe.each([
    ['drops what it owns', ''],
    ['drops what it owns, and all that hangs on it', 'cascade'],
  ])('%s,', (_name, option) => {
    const drop = `drop owned by ${testDataRole} ${option}`;

    it('which leaves it nothing to see', async () => {
      const connection = await databases.testData.sql.reserve();
      const seen = await connection.unsafe(`begin; ${drop}; ${countAll()}`);
      await connection.unsafe('rollback');
      connection.release();
      expect(seen.at(-1)).toEqual(graph.tables.map(() => ({ rows: 0 })));
    });

    it('and deletes without a where', async () => {
      await expectUnharmed(() =>
        attempt(`${drop}; delete from sessions; delete from order_lines; delete from users; rollback`),
      );
    });
  });

  it('has left no guard down, but for a view that lets the role write', async () => {
    expect(await findGuardFaults(databases.testData.db, storefrontMapping)).toEqual([
      expect.stringMatching(/^muster_test_data has INSERT, .* on public.all_users$/),
    ]);
  });
});

describe('what the role is for', () => {
  it('works: it deletes a test user with all that is hers', async () => {
    const { tess } = targets;
    expect(await attempt(`${free(tess)} delete from users where id = '${tess.id}'`)).toBeUndefined();
    const left = await owner()`
      select id from users where id = ${tess.id} union all select user_id from sessions where user_id = ${tess.id}`;
    expect(left).toHaveLength(0);
  });

  it('sees test users, and of the others only that a name is taken', async () => {
    const role = databases.testData.sql;
    expect([...(await role`select distinct is_test_user from users`)]).toEqual([{ is_test_user: true }]);
    const taken = await role`select id from muster_guards.taken_names where username = 'alice'`;
    expect([...taken]).toEqual([{ id: targets.alice.id }]);
  });
});

describe('with every privilege on every table, not one row of production changes', () => {
  beforeAll(() => owner().unsafe(everything));

  describe('without row-level security,', () => {
    beforeAll(() => owner().unsafe(policiesOff()));
    afterAll(() => owner().unsafe(policiesOn()));

    it.each([...onRows, ...aroundGuards])('when somebody %s', async (name, statements) => {
      await expectAnswer(statements, withoutPolicies(name));
    });
    it.each(onSharedRows)('when somebody %s', async (name, statements) => {
      await entangle(owner(), targets);
      await expectAnswer(statements, withoutPolicies(name));
    });
    it.each(byCascade)('when somebody %s', async (_name, statements) => {
      await entangle(owner(), targets);
      await expectAnswer(statements, refused);
    });
    it('when somebody copies in a production user', async () => {
      await expectUnharmed(async () => expect(await copyIn()).toBe('42501'));
    });
  });

  describe('without triggers,', () => {
    beforeAll(() => owner().unsafe(triggersOff()));

    it.each(onRows.filter(([name]) => !name.startsWith('truncates')))(
      'when somebody %s',
      async (_name, statements) => {
        await expectUnharmed(() => attempt(statements(targets)));
      },
    );
    it.each(onSharedRows)('when somebody %s', async (_name, statements) => {
      await entangle(owner(), targets);
      await expectUnharmed(() => attempt(statements(targets)));
    });
    // Why there are triggers: a foreign key asks no policy.
    it.each(byCascade)('but it does when somebody %s', (_name, statements) => expectHarm(statements));
  });

  describe('but without any guard at all it does:', () => {
    beforeAll(() => owner().unsafe(`${triggersOff()};${policiesOff()}`));
    // The one hurts a test user only; the other meets the check that ties the markers.
    const others = ['moves a test user to another batch', 'gives a production user the id of a batch'];
    const harmful = [...onRows, ...onSharedRows, ...aroundGuards, ...byCascade].filter(
      ([name]) => !others.some(start => name.startsWith(start)),
    );

    it.each(harmful)('when somebody %s', (_name, statements) => expectHarm(statements));
  });
});

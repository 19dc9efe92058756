import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { textArray } from '../text-array.ts';
import { refersTo, type UserReference } from '../users/user-references.ts';
import type { UserTable } from '../users/user-table.ts';
import { type ApplicationUser, digestOf, named, nameOf } from './synced-users.ts';

/** A user as it was looked at: with another digest it is another's by now. */
export interface SeenUser {
  username: string;
  digest: string;
}

export interface IncomingUser extends Omit<ApplicationUser, 'id' | 'is_test_user' | 'test_batch_id'> {
  test_batch_id: string;
  password_hash: string;
  /** The digest with which the application was seen to have it; undefined for who is new. */
  seen: string | undefined;
}

/** Users that are to be written, as a table. */
export const incoming = (rows: readonly object[]): SQL => sql`
  jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as incoming (username text, email text, role text,
    custom_attributes text, test_batch_id text, password_hash text, created_at timestamptz, updated_at timestamptz, seen bigint)`;

/** An incoming user's role; an enum has its own name in each application, and no text becomes one without it. */
async function readRoleValue(tx: Executor, users: UserTable): Promise<SQL> {
  const { role } = users.mapping.columns;
  if (role?.type !== 'enum') return sql`incoming.role`;
  const [row] = await tx.execute<{ type: string }>(sql`
    select format_type(atttypid, null) as type from pg_attribute
    where attrelid = ${nameOf(users)}::regclass and attname = ${role.name} and not attisdropped`);
  if (row === undefined) throw new Error(`The users table has no column ${role.name}`);
  return sql`incoming.role::${sql.raw(row.type)}`;
}

/** What an incoming user's columns become, in the types of the table. */
function valuesOf({ mapping: { columns } }: UserTable, role: SQL) {
  const moment = (name: 'created_at' | 'updated_at') =>
    columns[name].type === 'timestamp'
      ? sql`incoming.${sql.identifier(name)} at time zone 'utc'`
      : sql`incoming.${sql.identifier(name)}`;
  return {
    email: sql`incoming.email`,
    role,
    attributes: sql`incoming.custom_attributes::jsonb::${sql.raw(columns.attributes?.type ?? 'jsonb')}`,
    created_at: moment('created_at'),
    updated_at: moment('updated_at'),
  };
}

/** The columns that a new user gets, with their values; those that the application does not have are left out. */
function insertedColumns(users: UserTable, role: SQL): { columns: SQL[]; values: SQL[] } {
  const values = valuesOf(users, role);
  const filled: [SQL | undefined, SQL][] = [
    [users.column('username'), sql`incoming.username`],
    [users.column('email'), values.email],
    [users.column('password_hash'), sql`incoming.password_hash`],
    [users.column('role'), values.role],
    [users.column('attributes'), values.attributes],
    [users.column('is_test_user'), sql`true`],
    [users.column('test_batch_id'), users.batch(sql`incoming.test_batch_id`)],
    [users.column('created_by_bulk'), sql`true`],
    [users.column('created_at'), values.created_at],
    [users.column('updated_at'), values.updated_at],
    ...Object.entries(users.mapping.fixed_values).map(([name, value]): [SQL, SQL] => [
      sql`${sql.identifier(name)}`,
      sql`${value}`,
    ]),
  ];
  const given = filled.filter((pair): pair is [SQL, SQL] => pair[0] !== undefined);
  return { columns: given.map(([column]) => column), values: given.map(([, value]) => value) };
}

/**
 * Creates test users and records their keys in the ledger, by batch; those whose name or address is taken are left out.
 * Call in a transaction over the role for test data.
 * @returns the usernames of those who were created
 */
export async function insertIncomingUsers(
  tx: Executor,
  users: UserTable,
  rows: readonly IncomingUser[],
): Promise<string[]> {
  if (rows.length === 0) return [];
  const { columns, values } = insertedColumns(users, await readRoleValue(tx, users));
  const created = await tx.execute<{ username: string; id: string; batch: string }>(sql`
    insert into ${users.table} (${sql.join(columns, sql`, `)})
    select ${sql.join(values, sql`, `)} from ${incoming(rows)} order by incoming.username
    on conflict do nothing
    returning ${users.read('username')}::text as username, ${users.read('id')} as id,
      ${users.read('test_batch_id')} as batch`);
  await recordKeys(tx, created);
  return created.map(({ username }) => username);
}

/** A chunk of the batch that is done already: cleanup deletes by the keys in it. */
async function recordKeys(tx: Executor, created: readonly { id: string; batch: string }[]): Promise<void> {
  if (created.length === 0) return;
  const batches = [...new Set(created.map(({ batch }) => batch))];
  // A statement of its own: the next one must see the chunks of whoever had the lock before.
  await tx.execute(sql`
    select pg_advisory_xact_lock(hashtextextended('muster:ledger:' || batch, 0))
    from (select unnest(${textArray(batches)}::text[]) as batch order by 1) as locked`);
  await tx.execute(sql`
    with made as (
      select batch::uuid as batch, count(*)::int as users, array_agg(id) as keys
      from jsonb_to_recordset(${JSON.stringify(created)}::jsonb) as made (id text, batch text) group by 1
    )
    insert into muster.bulk_chunks (batch_id, chunk_index, first_id, size, status, created_count, user_keys, finished_at)
    select batch, coalesce((select max(chunk_index) from muster.bulk_chunks c where c.batch_id = batch), -1) + 1, 1,
      users, 'done', users, keys, clock_timestamp()
    from made`);
}

/** Of the table under `u`: the test user whom an incoming one is to change, if it is of the same batch and still as it was seen. */
export const isAsSeen = (users: UserTable): SQL => sql`
  u.${users.column('username')} = incoming.username and u.${users.column('is_test_user')}
  and u.${users.column('test_batch_id')} = ${users.batch(sql`incoming.test_batch_id`)}
  and ${digestOf(users, 'u')} = incoming.seen`;

/**
 * Changes test users, all but their passwords and their batch, which nobody may change.
 * @returns the usernames of those who were changed: not of one who is no more as it was seen, is of another batch or no
 * test user
 * @throws SQLSTATE 23505 when an address is taken
 */
export async function updateIncomingUsers(
  tx: Executor,
  users: UserTable,
  rows: readonly IncomingUser[],
): Promise<string[]> {
  if (rows.length === 0) return [];
  const values = valuesOf(users, await readRoleValue(tx, users));
  const changed = (['email', 'role', 'attributes', 'updated_at'] as const).flatMap(field => {
    const column = users.column(field);
    return column === undefined ? [] : [sql`${column} = ${values[field]}`];
  });
  const written = await tx.execute<{ username: string }>(sql`
    update ${users.table} as u set ${sql.join(changed, sql`, `)} from ${incoming(rows)}
    where ${isAsSeen(users)}
    returning u.${users.column('username')}::text as username`);
  return written.map(({ username }) => username);
}

/**
 * Deletes test users with what refers to them, farthest first. They are locked before: of one that is changed meanwhile
 * nothing goes. Not to be called where a reference cascades into rows that this role may not delete.
 * @returns the usernames of those who were deleted: not of one who is no more as it was seen
 */
export async function deleteIncomingUsers(
  tx: Executor,
  users: UserTable,
  references: readonly UserReference[],
  seen: readonly SeenUser[],
): Promise<string[]> {
  if (seen.length === 0) return [];
  const usernames = seen.map(({ username }) => username);
  const condition = sql`${named(sql`${users.column('username')}`, usernames)} and ${users.column('is_test_user')}
    and (${users.read('username')}::text, ${digestOf(users)}) in (
      select username, digest from jsonb_to_recordset(${JSON.stringify(seen)}::jsonb) as seen (username text, digest bigint))`;
  await tx.execute(sql`
    select from ${users.table} where ${condition} order by ${users.column('username')} for update`);
  for (const reference of references) {
    if (reference.action !== 'delete') continue;
    await tx.execute(sql`delete from ${sql.raw(reference.table)} where ${refersTo(reference, condition)}`);
  }
  const deleted = await tx.execute<{ username: string }>(sql`
    delete from ${users.table} where ${condition} returning ${users.read('username')}::text as username`);
  return deleted.map(({ username }) => username);
}

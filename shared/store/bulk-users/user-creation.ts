import { type SQL, sql } from 'drizzle-orm';
import { slotOf } from '../../contracts/bulk-users.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { textArray } from '../text-array.ts';
import type { UserTable } from '../users/user-table.ts';
import type { ChunkLease, UserFailure } from './bulk-ledger.ts';

/** What the users of one batch have in common. */
export interface UserSpec {
  batchId: string;
  /** Holds `{id}` once. */
  usernamePattern: string;
  /** For a pattern that is no address: the e-mail address is `<username>@<emailDomain>`. */
  emailDomain: string;
  role: string;
  customAttributes: Record<string, unknown>;
  /** One hash for all, or one for each password that the range needs. */
  password: string | PasswordHashes;
}

/** Hashes by slot (`slotOf`): with a modulus, a user's slot is its `{id}` modulo that, else the `{id}` itself. */
export interface PasswordHashes {
  modulus: number | undefined;
  slots: number[];
  hashes: string[];
}

/** `{id}` from `first` to `last`, both included. */
export interface IdRange {
  first: number;
  last: number;
}

/** A range that a statement finds out by itself. */
interface SqlRange {
  first: SQL;
  last: SQL;
}

export const rangeOf = ({ firstId, size }: ChunkLease): IdRange => ({
  first: firstId,
  last: firstId + size - 1,
});

/** The users of a range as rows `wanted (number, username, email)`. */
const wanted = (spec: UserSpec, { first, last }: IdRange | SqlRange) => sql`(
    select number, username,
      case when position('@' in username) > 0 then username else username || '@' || ${spec.emailDomain} end as email
    from generate_series(${first}::int, ${last}::int) as number,
      lateral (select replace(${spec.usernamePattern}, '{id}', number::text) as username) as named
  ) as wanted`;

/** `insert` of the users of a range, to which a conflict clause and `returning` can be added. */
export function insertWanted(users: UserTable, spec: UserSpec, range: IdRange | SqlRange): SQL {
  const { columns, values } = filledColumns(users, spec);
  return sql`
  insert into ${users.table} (${sql.join(columns, sql`, `)})
  select ${sql.join(values, sql`, `)}
  from ${wanted(spec, range)} ${joinHashes(spec.password)} order by number`;
}

function filledColumns(users: UserTable, spec: UserSpec): { columns: SQL[]; values: SQL[] } {
  const { columns, fixed_values } = users.mapping;
  const now = (type: string) => (type === 'timestamp' ? sql`now() at time zone 'utc'` : sql`now()`);
  const json = JSON.stringify(spec.customAttributes);
  const filled: [SQL | undefined, SQL][] = [
    [users.column('username'), sql`username`],
    [users.column('email'), sql`email`],
    [users.column('password_hash'), typeof spec.password === 'string' ? sql`${spec.password}` : sql`hash`],
    [users.column('role'), sql`${spec.role}`],
    [users.column('attributes'), sql`${json}::${sql.raw(columns.attributes?.type ?? 'jsonb')}`],
    [users.column('is_test_user'), sql`true`],
    [users.column('test_batch_id'), users.batch(spec.batchId)],
    [users.column('created_by_bulk'), sql`true`],
    [users.column('created_at'), now(columns.created_at.type)],
    [users.column('updated_at'), now(columns.updated_at.type)],
    ...Object.entries(fixed_values).map(([name, value]): [SQL, SQL] => [
      sql`${sql.identifier(name)}`,
      sql`${value}`,
    ]),
  ];
  const given = filled.filter((pair): pair is [SQL, SQL] => pair[0] !== undefined);
  return { columns: given.map(([column]) => column), values: given.map(([, value]) => value) };
}

function joinHashes(password: UserSpec['password']): SQL {
  if (typeof password === 'string') return sql``;
  const { modulus, slots, hashes } = password;
  const slot = modulus === undefined ? sql`number` : sql`number % ${modulus}::int`;
  return sql`join unnest(${textArray(slots.map(String))}::int[], ${textArray(hashes)}::text[]) as p (slot, hash)
    on p.slot = ${slot}`;
}

/**
 * Creates the users of a chunk, records their keys and marks the chunk done, in one statement, all or none: SQLSTATE
 * 23505 when a name or an address is taken. Where none is, it costs a quarter less than `createUsersApart`, which looks
 * into every unique index beforehand. For a chunk that has made no user yet.
 * @returns false when the lease was void: the caller must then undo the transaction
 */
export async function createUsersTogether(
  tx: Executor,
  users: UserTable,
  { spec, lease }: { spec: UserSpec; lease: ChunkLease },
): Promise<boolean> {
  const { count } = await tx.execute(sql`
    with made as (${insertWanted(users, spec, rangeOf(lease))} returning ${users.read('id')} as key),
    keys as (select array_agg(key) as keys, count(*) as made from made)
    update muster.bulk_chunks set status = 'done', finished_at = clock_timestamp(),
      user_keys = keys, created_count = made, failed_count = 0
    from keys
    where batch_id = ${lease.batchId} and chunk_index = ${lease.chunkIndex}
      and epoch = ${lease.epoch} and status = 'running' and user_keys = '{}'`);
  return count === 1;
}

/** A range of a held chunk. */
export interface ChunkRange {
  spec: UserSpec;
  lease: ChunkLease;
  range: IdRange;
}

/**
 * Creates the users of a range in one statement, which records their keys too; a name or address that is taken makes
 * its row fail alone. A user whom the chunk made before, by its recorded keys, counts as created: doing a range twice is
 * the same as once.
 */
export async function createUsersApart(
  tx: Executor,
  users: UserTable,
  { spec, lease, range }: ChunkRange,
): Promise<UserFailure[]> {
  const [row] = await tx.execute<{ made: number }>(sql`
    with made as (
      ${insertWanted(users, spec, range)} on conflict do nothing returning ${users.read('id')} as key
    ),
    keys as (select coalesce(array_agg(key), '{}') as keys, count(*)::int as made from made)
    update muster.bulk_chunks set user_keys = user_keys || keys from keys
    where batch_id = ${lease.batchId} and chunk_index = ${lease.chunkIndex} returning made`);
  return row?.made === range.last - range.first + 1 ? [] : findConflicts(tx, users, { spec, lease, range });
}

/** For a chunk that is done again: forgets the keys of users whom the application has deleted meanwhile. */
export async function forgetGoneUsers(tx: Executor, users: UserTable, lease: ChunkLease): Promise<void> {
  await tx.execute(sql`
    update muster.bulk_chunks set user_keys = array(
      select key from unnest(user_keys) as key
      join ${users.table} as users on users.${users.column('id')} = ${users.key(sql`key`)}
      where users.${users.column('test_batch_id')} = ${users.batch(lease.batchId)}
    )
    where batch_id = ${lease.batchId} and chunk_index = ${lease.chunkIndex} and user_keys <> '{}'`);
}

/**
 * Who stands in the way of the users of a range that the chunk has not made.
 * Of users in production the role sees names alone, in a view (docs/safe-cleanup.md).
 */
export async function findConflicts(
  tx: Executor,
  users: UserTable,
  { spec, lease, range }: ChunkRange,
): Promise<UserFailure[]> {
  const id = users.column('id');
  const name = users.column('username');
  const rows = await tx.execute<{
    number: number;
    username: string;
    email: string;
    by: 'username' | 'email' | null;
  }>(sql`
    with own as materialized (
      select ${users.key(sql`key`)} as id from muster.bulk_chunks, unnest(user_keys) as key
      where batch_id = ${lease.batchId} and chunk_index = ${lease.chunkIndex}
    ), made as materialized (
      select users.${name} as username from ${users.table} as users join own on users.${id} = own.id
    )
    select number, wanted.username, wanted.email,
      case when exists (select from muster_guards.taken_names as t where t.username = wanted.username) then 'username'
        when exists (select from muster_guards.taken_names as t where t.email = wanted.email) then 'email' end as by
    from ${wanted(spec, range)}
    where not exists (select from made where made.username = wanted.username)
    order by number`);
  return rows.map(({ number, username, email, by }) => ({
    index: number,
    username,
    code: by === null ? 'duplicate_value' : `duplicate_${by}`,
    detail:
      by === null
        ? 'Another unique column of the table has the value, or the user in the way is gone meanwhile'
        : `A user with the ${by} ${by === 'email' ? email : username} exists already`,
  }));
}

/** The slots of the passwords that a range needs, each once. */
export function slotsOf({ first, last }: IdRange, distinct: number | 'all'): number[] {
  const most = distinct === 'all' ? last - first + 1 : Math.min(distinct, last - first + 1);
  return Array.from({ length: most }, (_, i) => slotOf(distinct, first + i));
}

import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { textArray } from '../text-array.ts';
import type { Bucket, SubDigests } from './bucket-comparison.ts';

/**
 * Digests of users, computed by the database that has them, so that two databases are compared without their rows
 * travelling. A user's digest is 64 bits over what must be the same on both sides; a bucket's is the `bit_xor` of its
 * users', which neither order nor plan changes. There are 4,096 buckets, by a hash of the username, and in each 64
 * smaller ones. A change that one side missed goes unseen with a chance of 2^-64 a bucket.
 */

/** A user in a list: its digest is null when it was deleted and only its tombstone is left. */
export interface Entry {
  username: string;
  /** Its small bucket; 0 where it was not asked for. */
  subBucket: number;
  digest: string | null;
  /** The digest that both sides had after the last sync; null where that is not kept, or there was none. */
  base: string | null;
  /** When it was changed or deleted, in milliseconds, on the clock of its side. */
  changedAt: number;
}

/** Which users take part. */
export interface Scope {
  batchId?: string | undefined;
  testUsersOnly: boolean;
  /** Only users that were changed at this moment or later. */
  modifiedSince?: string | undefined;
  /** With it: and what was written by this transaction or a later one, where the table tells. */
  modifiedFromXid?: string | undefined;
}

/** Which of them are listed: those of some buckets (of either size) or those of some usernames. */
export type Choice = { buckets: number[] } | { subBuckets: number[] } | { usernames: readonly string[] };

/** A table of users, seen as rows with the columns of `accounts`. */
export interface DigestTable {
  /** What stands behind `from`, under the name `u`. */
  from: SQL;
  ofBatch(id: string): SQL;
  digest: SQL;
  bucket: SQL;
  base: SQL;
  /** Null, or when the row became a tombstone. */
  deletedAt: SQL;
  unsettled: SQL;
  /** The transaction that wrote a row last; undefined where the table does not tell. */
  modifiedXid?: SQL | undefined;
  /** Whether a row is not as the last sync left it, whenever that was written; undefined where nobody notes that. */
  changed?: SQL | undefined;
}

const hash = sql`hashtextextended(u.username::text, 1)`;
/** The low bits are the bucket's: a smaller one lies in the bucket that its number is modulo 4,096. */
const subBucket = sql`(${hash} & 262143)::int`;

type DigestField = 'username' | 'email' | 'role' | 'is_test_user' | 'test_batch_id' | 'custom_attributes';

/**
 * The expression of `accounts.digest`, over whatever has the fields: both must give the same for the same user. A marker
 * that is null marks nobody; a digest of null would pass for a deletion.
 */
export const digestOver = (field: (name: DigestField) => SQL): SQL => sql`hashtextextended(
  ${field('username')} || E'\\x1f' || ${field('email')} || E'\\x1f' || ${field('role')} || E'\\x1f'
  || coalesce(${field('is_test_user')}, false)::text || E'\\x1f' || coalesce(${field('test_batch_id')}::text, '')
  || E'\\x1f' || ${field('custom_attributes')}::text, 0)`;

export const digestOfColumns = digestOver(name => sql`u.${sql.identifier(name)}`);

export const poolTable: DigestTable = {
  from: sql`accounts as u`,
  ofBatch: id => sql`u.test_batch_id = ${id}::uuid`,
  digest: sql`u.digest`,
  bucket: sql`u.bucket`,
  base: sql`u.base_digest`,
  deletedAt: sql`u.deleted_at`,
  unsettled: sql`u.base_digest is distinct from u.digest`,
};

/** The pool as the side of a sync with its own application. To another Muster the bases of that tell nothing. */
export const ownPoolTable: DigestTable = {
  ...poolTable,
  changed: sql`u.base_digest is distinct from case when u.deleted_at is null then u.digest end`,
};

/** Of a table that keeps no digests: they are computed in passing. */
export const computedTable = (table: Pick<DigestTable, 'from' | 'ofBatch' | 'modifiedXid'>): DigestTable => ({
  ...table,
  digest: digestOfColumns,
  bucket: sql`(${hash} & 4095)::smallint`,
  base: sql`null::bigint`,
  deletedAt: sql`null::timestamptz`,
  unsettled: sql`false`,
});

/** Of the very type of what is looked for in it: an array of another one is searched from end to end for each row. */
const numbers = (values: readonly number[], type: 'integer' | 'smallint') =>
  sql`${`{${values.join(',')}}`}::${sql.raw(type)}[]`;

function inScope(table: DigestTable, scope: Scope): SQL {
  const { batchId, testUsersOnly, modifiedSince, modifiedFromXid } = scope;
  const conditions = [sql`true`];
  if (batchId !== undefined) conditions.push(table.ofBatch(batchId));
  if (testUsersOnly) conditions.push(sql`u.is_test_user`);
  if (modifiedSince !== undefined) {
    const later = sql`u.updated_at >= ${modifiedSince}::timestamptz`;
    const tellsXid = table.modifiedXid !== undefined && modifiedFromXid !== undefined;
    const orByXid = tellsXid ? sql`or ${table.modifiedXid} >= ${modifiedFromXid}::xid8` : sql``;
    const orByBase = table.changed === undefined ? sql`` : sql`or ${table.changed}`;
    conditions.push(sql`(${later} ${orByXid} ${orByBase})`);
  }
  return sql.join(conditions, sql` and `);
}

const live = (table: DigestTable): SQL => sql`${table.deletedAt} is null`;
/** A deletion is a change too: where changes are asked for, tombstones count as users without a digest. */
const present = (table: DigestTable, { modifiedSince }: Scope): SQL =>
  modifiedSince === undefined ? live(table) : sql`true`;
export const digestIfLive = (table: DigestTable): SQL =>
  sql`case when ${live(table)} then ${table.digest} end`;

/** The condition for all rows that buckets are made of. */
export const inBuckets = (table: DigestTable, scope: Scope): SQL =>
  sql`${inScope(table, scope)} and ${present(table, scope)}`;

/**
 * The buckets that have anybody, of all users in scope. One pass over the table, grouped by hashing: of a bucket that is
 * computed the planner believes that there are as many as usernames, and sorts all users on disk. What comes out of a union
 * it takes for few different values, and shares between its workers as before.
 */
export async function readBuckets(db: Executor, table: DigestTable, scope: Scope): Promise<Bucket[]> {
  const rows = await db.execute<{ b: number; n: number; d: string; u: number }>(sql`
    select bucket as b, count(*)::int as n, coalesce(bit_xor(digest), 0)::text as d, (count(*) filter (where unsettled))::int as u
    from (
      select ${table.bucket}::int as bucket, ${digestIfLive(table)} as digest, ${table.unsettled} as unsettled
      from ${table.from} where ${inBuckets(table, scope)}
      union all select null, null, null where false
    ) as each group by bucket`);
  return rows.map(({ b, n, d, u }) => ({ bucket: b, users: n, digest: d, unsettled: u }));
}

/**
 * The smaller buckets within some buckets. Their digests have 32 bits: they only say where to look, and a difference
 * that they hide stays in sight of its bucket's digest.
 */
export async function readSubBuckets(
  db: Executor,
  table: DigestTable,
  scope: Scope,
  within: readonly number[],
): Promise<SubDigests[]> {
  const rows = await db.execute<{ b: number; d: string }>(sql`
    select b, string_agg(lpad(to_hex(s), 2, '0') || lpad(to_hex(d & 4294967295), 8, '0'), '' order by s) as d
    from (
      select ${table.bucket}::int as b, ${subBucket} >> 12 as s, bit_xor(${table.digest}) # count(*) as d
      from ${table.from}
      where ${inScope(table, scope)} and ${live(table)} and ${table.bucket} = any(${numbers(within, 'smallint')}) group by 1, 2
    ) as small group by b`);
  return rows.map(({ b, d }) => ({ bucket: b, digests: d }));
}

/**
 * Lists users. Those that are chosen by name are listed with their tombstones, their bases and their times; of all others
 * only the names and digests are told, since there may be many.
 */
export async function listEntries(
  db: Executor,
  table: DigestTable,
  scope: Scope,
  choice: Choice,
): Promise<Entry[]> {
  const bucket = 'subBuckets' in choice ? subBucket : sql`0`;
  const byName = 'usernames' in choice;
  const changedAt = sql`(extract(epoch from coalesce(${table.deletedAt}, u.updated_at)) * 1000)::float8`;
  const rows = await db.execute<EntryRow>(sql`
    select u.username::text as username, ${bucket} as bucket, (${digestIfLive(table)})::text as digest,
      ${byName ? table.base : sql`null`}::text as base, ${byName ? changedAt : sql`0`} as at
    from ${table.from} where ${inScope(table, scope)} and ${isChosen(table, scope, choice)}`);
  return rows.map(({ bucket: number, at, ...entry }) => ({ ...entry, subBucket: number, changedAt: at }));
}

type EntryRow = Pick<Entry, 'username' | 'digest' | 'base'> & { bucket: number; at: number };

function isChosen(table: DigestTable, scope: Scope, choice: Choice): SQL {
  if ('usernames' in choice) return sql`u.username = any(${textArray(choice.usernames)}::text[])`;
  if ('buckets' in choice)
    return sql`${present(table, scope)} and ${table.bucket} = any(${numbers(choice.buckets, 'smallint')})`;
  return sql`${present(table, scope)} and ${subBucket} = any(${numbers(choice.subBuckets, 'integer')})`;
}

/** A digest of known text: two servers that disagree about it cannot be compared. */
export async function readHashProbe(db: Executor): Promise<{ probe: string; now: number }> {
  const [row] = await db.execute<{ probe: string; now: number }>(sql`
    select hashtextextended('muster' || E'\\x1f', 0)::text as probe,
      (extract(epoch from clock_timestamp()) * 1000)::float8 as now`);
  if (row === undefined) throw new Error('A select without from gave no row');
  return row;
}

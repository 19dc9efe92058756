import { type SQL, sql } from 'drizzle-orm';
import { reservedAddress } from '../../contracts/reserved-domains.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import type { UserTable } from '../users/user-table.ts';
import { recordedKeys } from './bulk-cleanup.ts';

/**
 * Who is a test user and who is not, as the markers have it, and who only looks like the other. One pass over the table,
 * one join of its test users with the keys that the ledger recorded; samples are looked for only where something was
 * counted. All of it is the database's work: no memory here, at any size.
 */
export interface SampleUser extends Record<string, unknown> {
  id: string;
  username: string;
  email: string;
  test_batch_id: string | null;
  reason: string | null;
}

export interface Identification {
  test: number;
  production: number;
  /** Production users who look like test users, by reason. */
  lookalikes: Record<string, number>;
  /** Test users of batches that no ledger knows. */
  unknownBatch: number;
  /** Test users beyond those that the ledger has for their batch. */
  unrecorded: number;
  /** Users that the ledger has and the table has not. */
  missing: number;
}

const testName = '^(load)?[-_.]?test(er|user|account)?[-_.]?(user)?[-_.]?[0-9]*(@|$)';

/**
 * Why a production user looks like a test user, as SQL; null for all others.
 * @param patterns username patterns of batches, with `{id}`
 */
function lookalike(users: UserTable, patterns: string[]): SQL {
  const name = users.column('username');
  const named = patterns.length === 0 ? sql`false` : sql`${name} ~ ${patterns.map(regexOf).join('|')}`;
  return sql`case when ${users.column('is_test_user')} then null when ${named} then 'batch_pattern'
    when ${users.column('email')} ~* ${reservedAddress} then 'test_domain'
    when ${name} ~* ${testName} then 'test_name' end`;
}

const regexOf = (pattern: string): string => `^${pattern.split('{id}').map(escapeRegex).join('[0-9]+')}$`;

/** For PostgreSQL, in whose expressions a backslash before a letter or a digit has a meaning of its own. */
const escapeRegex = (text: string): string => text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);

export async function identifyUsers(
  db: Executor,
  users: UserTable,
  patterns: string[],
): Promise<Identification> {
  const counted = await db.execute<{ is_test: boolean; reason: string | null; users: number }>(sql`
    select ${users.column('is_test_user')} as is_test, ${lookalike(users, patterns)} as reason, count(*)::int as users
    from ${users.table} group by 1, 2`);
  const [ledger] = await db.execute<{ unknown: number; unrecorded: number; missing: number }>(sql`
    select (count(*) filter (where key is null and not is_known))::int as unknown,
      (count(*) filter (where key is null and is_known))::int as unrecorded,
      (count(*) filter (where id is null))::int as missing
    from (${testUsersWithKeys(users)}) as found`);
  const sum = (isTest: boolean) =>
    counted.filter(row => (row.is_test ?? false) === isTest).reduce((total, row) => total + row.users, 0);
  return {
    test: sum(true),
    production: sum(false),
    lookalikes: Object.fromEntries(
      counted.flatMap(row => (row.reason === null ? [] : [[row.reason, row.users]])),
    ),
    unknownBatch: ledger?.unknown ?? 0,
    unrecorded: ledger?.unrecorded ?? 0,
    missing: ledger?.missing ?? 0,
  };
}

/** Production users who look like test users. */
export const sampleLookalikes = (
  db: Executor,
  users: UserTable,
  { patterns, limit }: { patterns: string[]; limit: number },
) =>
  sample(db, users, sql`${lookalike(users, patterns)} is not null`, {
    limit,
    reason: lookalike(users, patterns),
  });

/** Test users, or production users. */
export const sampleUsers = (
  db: Executor,
  users: UserTable,
  { isTest, limit }: { isTest: boolean; limit: number },
) =>
  sample(db, users, sql`${users.column('is_test_user')} is ${isTest ? sql`true` : sql`not true`}`, { limit });

/** Test users whom the ledger does not have. */
export const sampleUnrecorded = (db: Executor, users: UserTable, limit: number) =>
  sample(
    db,
    users,
    sql`${users.column('id')} in (
      select id from (${testUsersWithKeys(users)}) as found where key is null limit ${limit})`,
    { limit, reason: sql`case when ${isKnown(users)} then 'unrecorded' else 'unknown_batch' end` },
  );

/** All test users and all recorded keys, side by side, as a query `(id, is_known, key)`. */
const testUsersWithKeys = (users: UserTable): SQL => sql`
  select marked.id, is_known, recorded.id as key
  from (
    select ${users.column('id')} as id, ${isKnown(users)} as is_known
    from ${users.table} where ${users.column('is_test_user')}
  ) as marked full join (${recordedKeys(users)}) as recorded on recorded.id = marked.id`;

/** Whether the ledger has the batch of a user. */
const isKnown = (users: UserTable): SQL =>
  sql`${users.read('test_batch_id')} in (select batch_id::text from muster.bulk_chunks)`;

async function sample(
  db: Executor,
  users: UserTable,
  condition: SQL,
  { limit, reason = sql`null` }: { limit: number; reason?: SQL },
): Promise<SampleUser[]> {
  const rows = await db.execute<SampleUser>(sql`
    select ${users.read('id')} as id, ${users.read('username')} as username, ${users.read('email')} as email,
      ${users.read('test_batch_id')} as test_batch_id, ${reason} as reason
    from ${users.table} where ${condition} limit ${limit}`);
  return [...rows];
}

import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../platform/db.ts';
import { batchesWithUsers } from './bulk-cleanup.ts';
import type { UserTable } from './user-table.ts';

/**
 * Who is a test user and who is not, as the markers have it, and who only looks like the other. One pass over the table,
 * one over the index of batches; samples are looked for only where something was counted. Constant memory at any size.
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

/** Top-level domains of RFC 2606 and RFC 6761, and the example domains. */
const testDomain = '@([^@]*\\.)?(example\\.(com|net|org)|example|test|invalid|localhost)$';
const testName = '^(load)?[-_.]?test(er|user|account)?[-_.]?(user)?[-_.]?[0-9]*(@|$)';

/**
 * Why a production user looks like a test user, as SQL; null for all others.
 * @param patterns username patterns of batches, with `{id}`
 */
function lookalike(users: UserTable, patterns: string[]): SQL {
  const name = users.column('username');
  const named = patterns.length === 0 ? sql`false` : sql`${name} ~ ${patterns.map(regexOf).join('|')}`;
  return sql`case when ${users.column('is_test_user')} then null when ${named} then 'batch_pattern'
    when ${users.column('email')} ~* ${testDomain} then 'test_domain'
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
    select coalesce(sum(users) filter (where recorded is null), 0)::int as unknown,
      coalesce(sum(greatest(users - recorded, 0)), 0)::int as unrecorded,
      coalesce(sum(greatest(recorded - coalesce(users, 0), 0)), 0)::int as missing
    from (${batchesWithUsers(users)}) as batches`);
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
  sample(
    db,
    users,
    isTest ? sql`${users.column('is_test_user')}` : sql`not ${users.column('is_test_user')}`,
    { limit },
  );

/** Test users of batches that no ledger knows. */
export const sampleUnknown = (db: Executor, users: UserTable, limit: number) =>
  sample(
    db,
    users,
    sql`${users.column('is_test_user')} and ${users.read('test_batch_id')} in (
      select batch from (${batchesWithUsers(users)}) as batches where recorded is null)`,
    { limit, reason: sql`'unknown_batch'` },
  );

/** Test users of one batch whom the ledger does not have. */
export const sampleUnrecorded = (db: Executor, users: UserTable, limit: number) =>
  sample(
    db,
    users,
    sql`${users.column('is_test_user')} and ${users.column('test_batch_id')} = ${users.batch(sql`(select batch from excess)`)}
      and not exists (select from recorded where key = ${users.read('id')})`,
    {
      limit,
      reason: sql`'unrecorded'`,
      given: sql`with excess as materialized (
        select batch from (${batchesWithUsers(users)}) as batches where users > recorded order by users limit 1
      ), recorded as materialized (
        select unnest(user_keys) as key from muster.bulk_chunks where batch_id::text = (select batch from excess)
      )`,
    },
  );

async function sample(
  db: Executor,
  users: UserTable,
  condition: SQL,
  { limit, reason = sql`null`, given = sql`` }: { limit: number; reason?: SQL; given?: SQL },
): Promise<SampleUser[]> {
  const rows = await db.execute<SampleUser>(sql`
    ${given} select ${users.read('id')} as id, ${users.read('username')} as username, ${users.read('email')} as email,
      ${users.read('test_batch_id')} as test_batch_id, ${reason} as reason
    from ${users.table} where ${condition} limit ${limit}`);
  return [...rows];
}

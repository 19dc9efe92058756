import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { users } from '../../drizzle/application/schema/users.ts';
import type { Executor } from '../platform/db.ts';
import type { UserFailure } from './bulk-ledger.ts';

/** The seam to the application's users table: whatever Muster reads or writes there goes through here. */
export type UserRow = typeof users.$inferSelect;

/** What the users of one batch have in common. */
export interface UserSpec {
  batchId: string;
  /** Holds `{id}` once. */
  usernamePattern: string;
  /** For a pattern that is no address: the e-mail address is `<username>@<emailDomain>`. */
  emailDomain: string;
  role: string;
  customAttributes: Record<string, unknown>;
  passwordHash: string;
}

/** `{id}` from `first` to `last`, both included. */
export interface IdRange {
  first: number;
  last: number;
}

/** The users of a range as rows `wanted (id, username, email)`. */
const wanted = (spec: UserSpec, { first, last }: IdRange) => sql`(
    select id, username,
      case when position('@' in username) > 0 then username else username || '@' || ${spec.emailDomain} end as email
    from generate_series(${first}::int, ${last}::int) as id,
      lateral (select replace(${spec.usernamePattern}, '{id}', id::text) as username) as named
  ) as wanted`;

const insertWanted = (spec: UserSpec, range: IdRange) => sql`
  insert into users
    (username, email, password_hash, role, custom_attributes, is_test_user, test_batch_id, created_by_bulk)
  select username, email, ${spec.passwordHash}, ${spec.role}, ${JSON.stringify(spec.customAttributes)}::jsonb,
    true, ${spec.batchId}::uuid, true
  from ${wanted(spec, range)} order by id`;

/**
 * Creates the users of a range in one statement, all or none: SQLSTATE 23505 when a name or an address is taken.
 * Where none is, it costs a quarter less than `createUsersApart`, which looks into every unique index beforehand.
 */
export async function createUsersTogether(tx: Executor, spec: UserSpec, range: IdRange): Promise<void> {
  await tx.execute(insertWanted(spec, range));
}

/**
 * Creates the users of a range in one statement; a name or address that is taken makes its row fail alone.
 * A user whom this batch made before counts as created, so that running a range twice is the same as once.
 */
export async function createUsersApart(tx: Executor, spec: UserSpec, range: IdRange): Promise<UserFailure[]> {
  const { count } = await tx.execute(sql`${insertWanted(spec, range)} on conflict do nothing`);
  return count === range.last - range.first + 1 ? [] : findConflicts(tx, spec, range);
}

async function findConflicts(tx: Executor, spec: UserSpec, range: IdRange): Promise<UserFailure[]> {
  const rows = await tx.execute<{
    id: number;
    username: string;
    email: string;
    by: 'username' | 'email' | null;
  }>(sql`
    select wanted.id, wanted.username, wanted.email,
      case when same_name.id is not null then 'username' when same_email.id is not null then 'email' end as by
    from ${wanted(spec, range)}
    left join users same_name on same_name.username = wanted.username
    left join users same_email on same_email.email = wanted.email
    where same_name.test_batch_id is distinct from ${spec.batchId}::uuid
    order by wanted.id`);
  return rows.map(({ id, username, email, by }) => {
    if (by === null) throw new Error(`The user that stood in the way of ${username} is gone: try again`);
    return {
      index: id,
      username,
      code: `duplicate_${by}`,
      detail: `A user with the ${by} ${by === 'email' ? email : username} exists already`,
    };
  });
}

/** Deletes the users that one batch made, by its id and the markers; gives how many. */
export async function deleteBatchUsers(tx: Executor, batchId: string): Promise<number> {
  const deleted = await tx.execute(sql`
    delete from users where test_batch_id = ${batchId} and is_test_user and created_by_bulk`);
  return deleted.count;
}

export function listBatchUsers(
  db: Executor,
  { batchId, afterId, limit }: { batchId: string; afterId?: string | undefined; limit: number },
): Promise<UserRow[]> {
  return db
    .select()
    .from(users)
    .where(and(eq(users.testBatchId, batchId), afterId === undefined ? undefined : gt(users.id, afterId)))
    .orderBy(asc(users.id))
    .limit(limit);
}

export async function hasUsersOfBatch(db: Executor, batchId: string): Promise<boolean> {
  const found = await db.select({ id: users.id }).from(users).where(eq(users.testBatchId, batchId)).limit(1);
  return found.length > 0;
}

export interface UserTotals {
  total: number;
  test: number;
  bulk: number;
}

/** Exact counts of the application's users. */
export async function countUsers(db: Executor): Promise<UserTotals> {
  const [row] = await db
    .select({
      total: sql<number>`count(*)::int`,
      test: sql<number>`(count(*) filter (where is_test_user))::int`,
      bulk: sql<number>`(count(*) filter (where created_by_bulk))::int`,
    })
    .from(users);
  return row ?? { total: 0, test: 0, bulk: 0 };
}

import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { computedTable, type DigestTable, digestOfColumns, digestOver } from '../accounts/account-digests.ts';
import { textArray } from '../text-array.ts';
import { userColumns } from '../users/user-directory.ts';
import type { UserTable } from '../users/user-table.ts';

/**
 * The application's users as sync sees them. What it writes are test users only, over the role that may write no
 * others; a user whom a pull creates is recorded in the ledger, so that cleanup finds it.
 */

/** The table for digests. Whether rows tell by which transaction they were written is asked of the catalogue. */
export async function digestTableOf(db: Executor, users: UserTable): Promise<DigestTable> {
  const [row] = await db.execute<{ found: boolean }>(sql`
    select exists (
      select from pg_attribute where attrelid = ${nameOf(users)}::regclass and attname = 'modified_xid'
        and atttypid = 'xid8'::regtype and not attisdropped) as found`);
  const hasXid = row?.found === true;
  return computedTable({
    from: sql`(select ${userColumns(users)}, ${rawBatch(users)} as raw_batch
      ${hasXid ? sql`, modified_xid` : sql``} from ${users.table}) as u`,
    ofBatch: id => sql`u.raw_batch = ${users.batch(id)}`,
    ...(hasXid && { modifiedXid: sql`u.modified_xid` }),
  });
}

export const nameOf = ({ mapping }: UserTable): string =>
  [mapping.schema, mapping.table].map(name => `"${name.replaceAll('"', '""')}"`).join('.');

const rawBatch = (users: UserTable): SQL => users.column('test_batch_id') ?? sql`null`;

/** A user as a sync compares and writes it: without secrets. */
export type ApplicationUser = {
  id: string;
  username: string;
  email: string;
  role: string;
  is_test_user: boolean;
  test_batch_id: string | null;
  /** JSON, as the database has it: JavaScript would round its numbers. */
  custom_attributes: string;
  created_at: string;
  updated_at: string;
};

/** A marker that is null marks nobody. */
const toldFields = sql`u.id, u.username, u.email, u.role, coalesce(u.is_test_user, false) as is_test_user, u.test_batch_id,
  u.custom_attributes::text, to_json(u.created_at) #>> '{}' as created_at, to_json(u.updated_at) #>> '{}' as updated_at`;

/** The same with the digest of each, in one look at the table. */
export async function readUsersWithDigests(
  db: Executor,
  users: UserTable,
  usernames: readonly string[],
): Promise<{ user: ApplicationUser; digest: string }[]> {
  const rows = await db.execute<ApplicationUser & { digest: string }>(sql`
    select ${toldFields}, ${digestOfColumns}::text as digest
    from (select ${userColumns(users)} from ${users.table}) as u where ${named(sql`u.username`, usernames)}`);
  return rows.map(({ digest, ...user }) => ({ user, digest }));
}

/** A user's digest, of the table itself under `alias`. */
export const digestOf = (users: UserTable, alias?: string): SQL =>
  digestOver(name => users.read(name === 'custom_attributes' ? 'attributes' : name, alias));

export const named = (column: SQL, usernames: readonly string[]): SQL =>
  sql`${column} = any(${textArray(usernames)}::text[])`;

/** Users by name; those who are not there are left out. */
export async function readApplicationUsers(
  db: Executor,
  users: UserTable,
  usernames: readonly string[],
): Promise<ApplicationUser[]> {
  const rows = await db.execute<ApplicationUser>(sql`
    select ${toldFields}
    from (select ${userColumns(users)} from ${users.table}) as u where ${named(sql`u.username`, usernames)}`);
  return [...rows];
}

/** Now, and the oldest transaction that has not ended: what a later sync by time must look at again. */
export async function readWatermark(db: Executor): Promise<{ now: Date; xmin: string }> {
  const [row] = await db.execute<{ now: number; xmin: string }>(sql`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
      pg_snapshot_xmin(pg_current_snapshot())::text as xmin`);
  if (row === undefined) throw new Error('A select without from gave no row');
  return { now: new Date(row.now), xmin: row.xmin };
}

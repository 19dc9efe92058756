import { type SQL, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { Vault } from '../../platform/crypto.ts';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { digestOfColumns, type Scope } from '../accounts/account-digests.ts';
import { createPasswordKeeper } from '../accounts/account-passwords.ts';
import { openCredentials, type PasswordOf } from '../bulk-users/batch-credentials.ts';
import { unescapeField } from '../copy-text.ts';
import { userColumns } from '../users/user-directory.ts';
import type { UserTable } from '../users/user-table.ts';
import { inSpan, type KeySpan } from './user-spans.ts';

/**
 * A first sync: users of the application streamed into the pool of accounts as the text of COPY, from one database to
 * the other. Here a line is not taken apart further than the password needs that is put at its end.
 */

/** What the application tells, in this order; a line begins with what its password goes by. A marker that is null marks nobody. */
const told = (
  users: UserTable,
) => sql`u.username, ${heldBatch(users)}, coalesce(u.is_test_user, false), u.email, u.role, u.custom_attributes, u.id,
  u.created_at, u.updated_at, ${digestOfColumns}`;
/** A text that the pool would have as another one, such as a UUID in capitals, becomes one that it refuses. */
const heldBatch = ({ mapping }: UserTable): SQL =>
  mapping.columns.test_batch_id.type === 'uuid'
    ? sql`u.test_batch_id`
    : sql`case when u.test_batch_id ~ ${writtenUuid} then u.test_batch_id else 'not as the pool has it: ' || u.test_batch_id end`;
const writtenUuid = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';

/** The pool's columns for it, and after them for what is put in on the way. */
const filled = `username, test_batch_id, is_test_user, email, role, custom_attributes, source_id,
  created_at, updated_at, base_digest, sealed_password, status, synced_at`;
/** Input of the type: the moment of the transaction, on the clock of the server that reads it. */
const now = 'now';

export interface CopiedUsers {
  users: number;
  bytes: number;
}

export interface AccountCopy {
  source: CopyConnection;
  target: CopyConnection;
  users: UserTable;
  /** Muster's own database, for the passwords of batches. */
  db: Executor;
  vault: Vault;
}

/**
 * Lets both servers write and read values in one way, and ends what others do on connections of the target's name: a
 * process that was frozen while it copied keeps its locks for as long as its connection stands.
 */
export async function prepareCopy({ source, target }: AccountCopy): Promise<void> {
  const exact = "set datestyle = 'ISO, YMD'; set standard_conforming_strings = on";
  await source.run(exact);
  await target.run(exact);
  await target.run(`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = current_setting('application_name')
      and pid <> pg_backend_pid()`);
}

/**
 * Copies the users of a span, with the digest that both sides then have; call it in a transaction of `target`.
 * @throws SQLSTATE 23505 when the pool has one of the names, if only as a tombstone, 22P02 when it cannot hold a value as it
 * is, such as a batch that is no UUID or one in capitals. The source cannot be used any more.
 */
export async function copyUsersToPool(
  { source, target, users, db, vault }: AccountCopy,
  scope: Pick<Scope, 'batchId' | 'testUsersOnly'>,
  span: KeySpan,
): Promise<CopiedUsers> {
  const statement = inlined(sql`
    select ${told(users)} from (
      select ${userColumns(users)} from ${users.table} where ${inSpan(users, scope, span)}
    ) as u`);
  const copied = { users: 0, bytes: 0 };
  const lines = source.copyOut(`copy (${statement}) to stdout`);
  const sealed = sealer(db, vault);
  await target.copyIn(`copy accounts (${filled}) from stdin`, withPasswords(lines, sealed, copied));
  return copied;
}

/** COPY takes no parameters. */
const inlined = (statement: SQL): string => new PgDialect().sqlToQuery(statement.inlineParams()).sql;

async function* withPasswords(
  source: AsyncIterable<Buffer>,
  sealedAll: (lines: readonly string[]) => Promise<string[]>,
  copied: CopiedUsers,
): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of source) {
    const text = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const end = text.lastIndexOf(10) + 1;
    rest = text.subarray(end);
    if (end === 0) continue;
    const lines = text.toString('utf8', 0, end - 1).split('\n');
    const sealed = await sealedAll(lines);
    const longer = lines.map((line, index) => `${line}\t${sealed[index]}\tsynced\t${now}\n`);
    const bytes = Buffer.from(longer.join(''));
    copied.users += lines.length;
    copied.bytes += bytes.length;
    yield bytes;
  }
}

/** For lines, the fields with their users' passwords: of test users only, where they are known. */
function sealer(db: Executor, vault: Vault): (lines: readonly string[]) => Promise<string[]> {
  const keeper = createPasswordKeeper(vault);
  const known = new Map<string, PasswordOf>();
  return async lines => {
    const users = lines.map(line => line.split('\t', 3));
    const batches = new Set(users.map(([, batch = absent]) => batch));
    for (const batch of batches) {
      if (batch !== absent && !known.has(batch)) known.set(batch, await openCredentials(db, vault, [batch]));
    }
    return users.map(([username = '', batch = absent, isTestUser]) => {
      const password = isTestUser === 't' ? known.get(batch)?.(batch, unescapeField(username)) : undefined;
      return password === undefined ? absent : keeper.seal(password);
    });
  };
}

const absent = String.raw`\N`;

import type { Request } from 'express';
import {
  type ExportQuery,
  exportAccountsOperation,
  exportApplicationUsersOperation,
  exportTypeOf,
} from '../../../../shared/http/user-export.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { createPasswordKeeper } from '../../../../shared/store/accounts/account-passwords.ts';
import { readAccounts } from '../../../../shared/store/accounts/account-reading.ts';
import type { AccountRow } from '../../../../shared/store/accounts/accounts.ts';
import { openCredentials } from '../../../../shared/store/bulk-users/batch-credentials.ts';
import { presentFields, type UserRow } from '../../../../shared/store/users/user-directory.ts';
import { readUsers } from '../../../../shared/store/users/user-export.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';
import { tellDeed } from '../../deed.ts';
import { requireActor } from '../../middleware/identify.ts';
import { type CallContext, type Route, route, type StreamReply, stream } from '../../route.ts';
import { compressed } from './compress.ts';
import { type ExportedUser, type ExportHeading, writers } from './formats.ts';

export interface UserExportRoutesDeps {
  applicationDb: Executor;
  /** Where the application keeps its users. */
  users: UserTable;
  vault: Vault;
}

/** The users of either side, streamed: memory holds a page of them, whatever their number. */
export const userExportRoutes = (deps: UserExportRoutesDeps): Route[] => [
  route(exportApplicationUsersOperation, async ({ query, ...call }) => {
    await guardCredentials(call, query, 'application');
    return exportReply(call.request, query, 'application', usersOfApplication(deps, call, query));
  }),

  route(exportAccountsOperation, async ({ query, ...call }) => {
    await guardCredentials(call, query, 'load_tester');
    return exportReply(call.request, query, 'load_tester', usersOfPool(deps, call, query));
  }),
];

const withCredentials = (query: ExportQuery): boolean => query.include_credentials === 'true';

const filterOf = ({ batch_id, test_users_only, modified_since }: ExportQuery) => ({
  batchId: batch_id,
  testUsersOnly: test_users_only === 'true',
  modifiedSince: modified_since === undefined ? undefined : new Date(modified_since),
});

/** Passwords are for admins, and it stands in the audit log before the first of them leaves. */
async function guardCredentials(
  { request, db, actor, requestId }: CallContext,
  query: ExportQuery,
  side: ExportHeading['source_system'],
): Promise<void> {
  if (!withCredentials(query)) return;
  requireActor(request, 'admin');
  const detail = { source_system: side, ...query };
  await tellDeed({ db, actor, requestId }, 'credentials.export', query.batch_id, detail);
}

function exportReply(
  request: Request,
  query: ExportQuery,
  side: ExportHeading['source_system'],
  pages: AsyncIterable<ExportedUser[]>,
): StreamReply {
  const { batch_id = null, modified_since = null, format } = query;
  const metadata = {
    filters: { batch_id, test_users_only: query.test_users_only === 'true', modified_since },
    include_credentials: withCredentials(query),
  };
  const text = writers[format](pages, { source_system: side, metadata });
  const type = exportTypeOf(format) + (format === 'csv' ? '; charset=utf-8; header=present' : '');
  const file = `users-${side}.${format}`;
  return compressed(request, stream(type, text, { 'Content-Disposition': `attachment; filename="${file}"` }));
}

async function* usersOfApplication(
  { applicationDb, users, vault }: UserExportRoutesDeps,
  { db, signal }: CallContext,
  query: ExportQuery,
): AsyncGenerator<ExportedUser[]> {
  for await (const page of readUsers(applicationDb, users, filterOf(query), { signal })) {
    const batches = withCredentials(query) ? page.map(row => row.testBatchId) : [];
    const known = [...new Set(batches)].filter(id => id !== null);
    const passwordOf = await openCredentials(db, vault, known);
    yield page.map(row => toExported(row, row.id, passwordOf(row.testBatchId, row.username)));
  }
}

async function* usersOfPool(
  { vault }: UserExportRoutesDeps,
  { db, signal }: CallContext,
  query: ExportQuery,
): AsyncGenerator<ExportedUser[]> {
  const keeper = createPasswordKeeper(vault);
  const passwordOf = ({ sealedPassword }: AccountRow) =>
    withCredentials(query) && sealedPassword !== null ? keeper.open(sealedPassword) : undefined;
  for await (const page of readAccounts(db, filterOf(query), { signal })) {
    yield page.map(row => toExported(row, row.sourceId, passwordOf(row)));
  }
}

const toExported = (
  row: Omit<UserRow, 'id'>,
  id: string | null,
  password: string | undefined,
): ExportedUser => ({
  ...(id !== null && { id }),
  ...presentFields(row),
  ...(password !== undefined && { password }),
});

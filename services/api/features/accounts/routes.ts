import { z } from 'zod';
import {
  deleteAccountsOperation,
  getAccountOperation,
  getAccountStatsOperation,
  importUsersOperation,
  listAccountsOperation,
  maxImportedRowBytes,
  maxImportedUsers,
} from '../../../../shared/http/accounts.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { secondsSince } from '../../../../shared/kernel/time.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import { readJsonArray, readNdjson } from '../../../../shared/platform/json-rows.ts';
import { createPasswordKeeper } from '../../../../shared/store/accounts/account-passwords.ts';
import {
  findAccount,
  listAccounts,
  readAccountStats,
} from '../../../../shared/store/accounts/account-reading.ts';
import { markDeleted } from '../../../../shared/store/accounts/accounts.ts';
import { admitWork } from '../../../../shared/store/jobs/admission.ts';
import { tellDeed } from '../../deed.ts';
import { ok, type Route, route } from '../../route.ts';
import { decodeBody } from './import/decode-body.ts';
import { header } from './import/header.ts';
import { createImport } from './import/import-users.ts';
import { presentAccount, presentImport } from './present.ts';

export interface AccountRoutesDeps {
  vault: Vault;
}

export const accountRoutes = ({ vault }: AccountRoutesDeps): Route[] => [
  route(importUsersOperation, async ({ query, db, request, signal, actor, requestId }) => {
    const startedAt = performance.now();
    await db.transaction(admitWork);
    const body = decodeBody(request);
    const isLines = request.is('application/x-ndjson') !== false;
    const limits = { maxRowBytes: maxImportedRowBytes, maxLines: maxImportedUsers };
    const rows = isLines
      ? readNdjson(body.bytes, limits)
      : readJsonArray(body.bytes, 'users', limits, header);
    const keeper = createPasswordKeeper(vault);
    const { counts, run } = createImport({ db, keeper, onConflict: query.on_conflict, signal });
    const tell = () => {
      const { created, updated, failed_count: failed } = counts;
      return tellDeed({ db, actor, requestId }, 'users.import', undefined, {
        created,
        updated,
        failed,
        ...query,
      });
    };
    try {
      await run(rows);
    } finally {
      if (counts.created + counts.updated > 0) await tell();
    }
    return ok({
      ...presentImport(counts),
      sync_timestamp: new Date().toISOString(),
      duration: secondsSince(startedAt),
      bytes_sent: body.received(),
      bytes_received: body.received(),
    });
  }),

  route(listAccountsOperation, async ({ query: { batch_id, cursor, limit }, db }) => {
    const afterId = decodeCursor(cursor, z.uuid());
    const rows = await listAccounts(db, { batchId: batch_id, afterId, limit: limit + 1 });
    return ok(pageFrom(rows, limit, row => row.id, presentAccount));
  }),

  route(getAccountOperation, async ({ params: { id }, db }) => {
    const found = await findAccount(db, id);
    if (found === undefined) throw new AppError('not_found', `There is no account ${id}`);
    return ok(presentAccount(found));
  }),

  route(deleteAccountsOperation, async ({ query: { batch_id }, db, actor, requestId }) => {
    const deleted = await markDeleted(db, { batchId: batch_id });
    if (deleted > 0) await tellDeed({ db, actor, requestId }, 'users.delete', batch_id, { deleted });
    return ok({ batch_id, deleted });
  }),

  route(getAccountStatsOperation, async ({ db }) => {
    const { total, byBatch, activeSessions, leased, digest } = await readAccountStats(db);
    return ok({
      total_users: total,
      by_batch: byBatch,
      active_sessions: activeSessions,
      leased,
      digest,
    });
  }),
];

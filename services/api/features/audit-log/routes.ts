import { z } from 'zod';
import { listDeedsOperation } from '../../../../shared/http/audit-log.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { listDeeds } from '../../../../shared/store/access/audit-log.ts';
import { ok, type Route, route } from '../../route.ts';

export const auditLogRoutes = (): Route[] => [
  route(listDeedsOperation, async ({ query: { cursor, limit, ...filter }, db }) => {
    const before = decodeCursor(cursor, z.int());
    const rows = await listDeeds(db, { ...filter, before, limit: limit + 1 });
    return ok(pageFrom(rows, limit, ({ id }) => id, present));
  }),
];

const present = ({ at, keyId, requestId, ...deed }: Awaited<ReturnType<typeof listDeeds>>[number]) => ({
  ...deed,
  at: at.toISOString(),
  key_id: keyId,
  request_id: requestId,
});

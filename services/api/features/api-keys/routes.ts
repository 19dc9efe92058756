import { z } from 'zod';
import {
  createApiKeyOperation,
  deleteApiKeyOperation,
  getApiKeyOperation,
  getProfileOperation,
  listApiKeysOperation,
} from '../../../../shared/http/api-keys.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import {
  type ApiKeyRow,
  createApiKey,
  deleteApiKey,
  findApiKey,
  listApiKeys,
} from '../../../../shared/store/access/api-keys.ts';
import { tellDeed } from '../../deed.ts';
import { created, noContent, ok, type Route, route } from '../../route.ts';

const present = (key: ApiKeyRow) => ({
  id: key.id,
  name: key.name,
  role: key.role,
  created_by: key.createdBy,
  created_at: key.createdAt.toISOString(),
  last_used_at: key.lastUsedAt?.toISOString() ?? null,
});

export const apiKeyRoutes = (): Route[] => [
  route(listApiKeysOperation, async ({ query, db }) => {
    const rows = await listApiKeys(db, decodeCursor(query.cursor, z.uuid()), query.limit);
    return ok(pageFrom(rows, query.limit, key => key.id, present));
  }),

  route(getApiKeyOperation, async ({ params: { id }, db }) => {
    const key = await findApiKey(db, id);
    if (key === undefined) throw new AppError('not_found', `There is no API key ${id}`);
    return ok(present(key));
  }),

  route(createApiKeyOperation, async ({ body, ...call }) => {
    const key = await createApiKey(call.db, { ...body, createdBy: call.actor.name });
    await tellDeed(call, 'api-keys.create', key.id, body);
    return created({ ...present(key), api_key: key.token }, `/api/api-keys/${key.id}`);
  }),

  route(deleteApiKeyOperation, async ({ params, ...call }) => {
    await deleteApiKey(call.db, params.id);
    await tellDeed(call, 'api-keys.delete', params.id);
    return noContent();
  }),

  route(getProfileOperation, async ({ actor }) =>
    ok({ key_id: actor.keyId, name: actor.name, role: actor.role }),
  ),
];

import { z } from 'zod';
import { timestamp, uuid } from './fields.ts';
import { defineOperation, roles } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const role = z.enum(roles);

export const apiKey = z
  .object({
    id: uuid,
    name: z.string(),
    role,
    created_by: z.string(),
    created_at: timestamp,
    last_used_at: timestamp.nullable().describe('To the minute'),
  })
  .meta({ id: 'ApiKey' });

export const newApiKey = apiKey.extend({ api_key: z.string() }).meta({ id: 'NewApiKey' });

export const profile = z
  .object({
    key_id: uuid.nullable().describe('Null while authentication is off'),
    name: z.string(),
    role,
  })
  .meta({ id: 'Profile' });

const tag = 'API keys';

export const listApiKeysOperation = defineOperation({
  id: 'listApiKeys',
  method: 'get',
  path: '/api/api-keys',
  role: 'admin',
  tag,
  summary: 'API keys, the oldest first, without their values',
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of keys', schema: pageOf(apiKey) } },
});

const params = z.strictObject({ id: uuid });

export const getApiKeyOperation = defineOperation({
  id: 'getApiKey',
  method: 'get',
  path: '/api/api-keys/{id}',
  role: 'admin',
  tag,
  summary: 'One API key, without its value',
  params,
  responses: { 200: { description: 'The key', schema: apiKey } },
});

export const createApiKeyOperation = defineOperation({
  id: 'createApiKey',
  method: 'post',
  path: '/api/api-keys',
  role: 'admin',
  tag,
  summary: 'Make an API key',
  description: 'The answer is the only place where its value is ever shown.',
  body: z.strictObject({
    name: z.string().trim().min(1).max(100),
    role,
  }),
  secretAnswer: true,
  responses: {
    201: {
      description: 'The key, with its value',
      schema: newApiKey,
    },
  },
});

export const deleteApiKeyOperation = defineOperation({
  id: 'deleteApiKey',
  method: 'delete',
  path: '/api/api-keys/{id}',
  role: 'admin',
  tag,
  summary: 'Revoke an API key and the browser sessions opened with it',
  params,
  responses: { 204: { description: 'It is revoked' } },
  errors: ['conflict'],
});

export const getProfileOperation = defineOperation({
  id: 'getProfile',
  method: 'get',
  path: '/api/user/profile',
  role: 'viewer',
  tag,
  summary: 'Who am I',
  responses: {
    200: {
      description: 'The caller',
      schema: profile,
    },
  },
});

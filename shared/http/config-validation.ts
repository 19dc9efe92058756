import { z } from 'zod';
import { defineOperation } from './operation.ts';

const finding = z.object({
  pointer: z.string().describe('RFC 6901, into what was sent'),
  code: z.string().describe('See docs/reason-codes.md'),
  detail: z.string().describe('What is wrong, and what to write instead'),
});

/** What is wrong with a configuration, and what is only unwise. */
export const validation = z
  .object({
    is_valid: z.boolean().describe('Whether bulk creation would take it'),
    errors: z.array(finding),
    warnings: z.array(finding),
    preview: z.array(z.string()).describe('The first usernames; none while the pattern is wrong'),
    estimate: z
      .object({
        password_hashes: z.int(),
        hash_seconds: z.number().describe('By the cost of one hash as measured here'),
        cores: z.int(),
      })
      .describe('What the hashes cost when every core of a machine like this one makes them'),
  })
  .meta({ id: 'ConfigValidation' });

export const validateConfigOperation = defineOperation({
  id: 'validateBulkUserConfig',
  method: 'post',
  path: '/api/bulk-users/config/validate',
  role: 'viewer',
  tag: 'Bulk users',
  summary: 'What is wrong with a configuration of bulk creation, without creating anything',
  description:
    'Takes a `CreationConfig`, with `count` and `template` beside its fields if need be, or the body of ' +
    '`createBulkUsers`; complete or not, right or wrong. The rules are those of `createBulkUsers`.',
  body: z.json().describe('A `CreationConfig`, or the body of `createBulkUsers`'),
  anyBody: true,
  asWritten: 'custom_attributes',
  transaction: false,
  responses: { 200: { description: 'What was found', schema: validation } },
});

import { z } from 'zod';
import { exportDocument } from './accounts.ts';
import { instant, uuid } from './fields.ts';
import { defineOperation } from './operation.ts';

const formats = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
} as const;
export type ExportFormat = keyof typeof formats;
export const exportTypeOf = (format: ExportFormat): string => formats[format];

const flag = z.enum(['true', 'false']).default('false');

const query = z.strictObject({
  batch_id: uuid.optional(),
  test_users_only: flag,
  modified_since: instant.optional().describe('Changed at this moment or later'),
  format: z.enum(['json', 'ndjson', 'csv']).default('json'),
  include_credentials: flag.describe('With passwords, as far as Muster knows them; needs the role admin'),
});
export type ExportQuery = z.output<typeof query>;

const shared = {
  method: 'get',
  role: 'viewer',
  query,
  responses: {
    200: {
      description: 'All that fit, streamed; compressed as Accept-Encoding says (zstd, gzip)',
      schema: exportDocument,
      contentTypes: Object.values(formats),
    },
  },
  errors: ['forbidden'],
} as const;

const about =
  'Each user as it is at the moment when it is read. In JSON, `total_count` comes after the users and counts them. ' +
  "NDJSON has one user a line. CSV is for people: text that a spreadsheet would run as a formula gets a `'` in front.";

export const exportApplicationUsersOperation = defineOperation({
  ...shared,
  id: 'exportApplicationUsers',
  path: '/api/bulk-users/export',
  tag: 'Bulk users',
  summary: "The application's users",
  description: about,
});

export const exportAccountsOperation = defineOperation({
  ...shared,
  id: 'exportAccounts',
  path: '/api/users/export',
  tag: 'Load-tester accounts',
  summary: 'The accounts of the pool, without the deleted ones',
  description: `${about} \`id\` is the user's key in the application, where it is known.`,
});

import { z } from 'zod';
import { copyEncoding, snapshotColumn, snapshotForeignKey, snapshotName } from '../contracts/snapshots.ts';
import { queryInteger, timestamp, uuid } from './fields.ts';
import { job } from './jobs.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const tag = 'Snapshots';
const path = '/api/snapshots/{name}';
const params = z.strictObject({ name: snapshotName });

/** `staffs` or `sales.invoices`; a name that needs quotes in SQL is written with them. */
const tableName = z
  .string()
  .max(150)
  .regex(
    /^([\p{L}_][\p{L}\p{N}_$]*|"[^"\0]{1,63}")(\.([\p{L}_][\p{L}\p{N}_$]*|"[^"\0]{1,63}"))?$/u,
    'must be a table name',
  );

export const createSnapshotOperation = defineOperation({
  id: 'createSnapshot',
  method: 'post',
  path: '/api/snapshots',
  role: 'operator',
  tag,
  summary: "Make a snapshot of the application's test data",
  description:
    'Answers at once; the work is a job of kind `snapshots.create`. It holds the rows that are test data ' +
    '(`is_test_data`), of one dataset if one is named, of all tables that have that column or of those named, as of ' +
    'one moment.',
  body: z.strictObject({
    name: snapshotName,
    description: z
      .string()
      .max(1000)
      .regex(/^[^\p{Cc}]*$/u, 'must not have control characters')
      .default(''),
    dataset_id: uuid.optional(),
    tables: z.array(tableName).min(1).max(500).optional(),
  }),
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['not_found', 'snapshot_exists', 'conflict'],
});

const count = z.int().min(0);

export const snapshot = z
  .object({
    name: snapshotName,
    created_at: timestamp,
    description: z.string(),
    stats: z.record(z.string(), count).describe('Rows by table'),
    bytes: count.describe('On disk'),
    checksum: z.string().describe('SHA-256 of the manifest, which has one for each table'),
    schema_version: z.string().describe("SHA-256 of the tables' columns and keys"),
  })
  .meta({ id: 'Snapshot' });

export const snapshotDetail = snapshot
  .extend({
    dataset_id: uuid.nullable(),
    database: z.string().describe('The server and the database that it is from'),
    tables: z
      .array(
        z.object({
          name: z.string(),
          rows: count,
          encoding: copyEncoding
            .optional()
            .describe("COPY's format; absent in old snapshots, which are text"),
          bytes: count.describe('Before compression'),
          stored_bytes: count,
          checksum: z
            .string()
            .describe('SHA-256 of the rows as COPY gives them, in order of the primary key'),
          row_digest: z
            .string()
            .optional()
            .describe("Of the rows in any order, by the database's own hashes"),
          closed_keys: z
            .array(z.string())
            .optional()
            .describe('Foreign keys by which the rows refer to rows of the snapshot and to no other'),
          columns: z.array(snapshotColumn),
          primary_key: z.array(z.string()),
          foreign_keys: z.array(snapshotForeignKey),
        }),
      )
      .describe('Parents before children'),
  })
  .meta({ id: 'SnapshotDetail' });

export const listSnapshotsOperation = defineOperation({
  id: 'listSnapshots',
  method: 'get',
  path: '/api/snapshots',
  role: 'viewer',
  tag,
  summary: 'Snapshots by name; damaged ones are left out',
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of snapshots', schema: pageOf(snapshot) } },
});

export const getSnapshotOperation = defineOperation({
  id: 'getSnapshot',
  method: 'get',
  path,
  role: 'viewer',
  tag,
  summary: 'One snapshot; HEAD says whether it exists',
  params,
  responses: { 200: { description: 'The snapshot', schema: snapshotDetail } },
  errors: ['snapshot_damaged'],
});

export const listSnapshotRowsOperation = defineOperation({
  id: 'listSnapshotRows',
  method: 'get',
  path: '/api/snapshots/{name}/tables/{table}/rows',
  role: 'viewer',
  tag,
  summary: "A snapshot's rows of one table, as JSON",
  description:
    'For people to look at, in order of the primary key. Booleans, JSON and small numbers are values; everything else ' +
    'is the text that PostgreSQL gives, so that no digit is lost.',
  params: z.strictObject({ name: snapshotName, table: z.string().min(1).max(150) }),
  query: z.strictObject({
    limit: pageQuery.limit,
    offset: queryInteger(0, 2 ** 31 - 1)
      .default(0)
      .describe('Rows to leave out'),
  }),
  responses: {
    200: {
      description: 'Some rows',
      schema: z.object({ total: count, items: z.array(z.record(z.string(), z.unknown())) }),
    },
  },
  errors: ['snapshot_damaged'],
});

export const deleteSnapshotOperation = defineOperation({
  id: 'deleteSnapshot',
  method: 'delete',
  path,
  role: 'operator',
  tag,
  summary: 'Delete a snapshot',
  params,
  responses: { 204: { description: 'It is gone' } },
});

export const restoreSnapshotOperation = defineOperation({
  id: 'restoreSnapshot',
  method: 'post',
  path: `${path}/restore`,
  role: 'operator',
  tag,
  summary: "Put a snapshot's rows back",
  description:
    'Answers at once; the work is a job of kind `snapshots.restore`: one transaction, verified by checksum before it ' +
    'commits. A snapshot of another schema is refused with what differs. Rows that are not test data stay as they are.',
  params,
  body: z.strictObject({
    clean_existing: z
      .boolean()
      .default(true)
      .describe('Remove the test rows that the snapshot replaces; false: add to them'),
    allow_other_database: z
      .boolean()
      .default(false)
      .describe('Restore a snapshot that another database was the source of'),
  }),
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['snapshot_damaged', 'conflict'],
});

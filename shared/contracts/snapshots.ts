import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineJob } from './job.ts';

/**
 * Snapshots: the test rows of a set of tables, kept outside of the database and put back exactly. One job makes one,
 * one job restores one; each is one transaction, and a worker that dies in between leaves nothing behind.
 *
 * A snapshot is a bundle (`shared/platform/bundles.ts`): `manifest.json`, and one file a table, numbered in the
 * manifest's order, with the rows as COPY gives them, in order of the primary key, compressed with zstd.
 */
export const snapshotName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, {
  error: 'must be 1 to 64 of a-z, 0-9, _ and -, and begin with a letter or a digit',
});

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const snapshotColumn = z.object({ name: z.string(), type: z.string(), not_null: z.boolean() });
export type SnapshotColumn = z.infer<typeof snapshotColumn>;

export const snapshotForeignKey = z.object({
  name: z.string(),
  columns: z.array(z.string()),
  references: z.string(),
  referenced_columns: z.array(z.string()),
});

/** What makes the rows of a table fit another one: its columns without the computed ones, and its keys. */
export const tableSchema = z.object({
  /** With its schema, quoted where SQL needs it: `public.staffs`. */
  name: z.string(),
  columns: z.array(snapshotColumn),
  primary_key: z.array(z.string()),
  foreign_keys: z.array(snapshotForeignKey),
});
export type TableSchema = z.infer<typeof tableSchema>;

/**
 * COPY's formats. PostgreSQL reads its binary one in half the time, of the types whose bytes mean the same everywhere:
 * tables that have others, such as a composite one with the numbers of its types in it, go as text.
 */
export const copyEncoding = z.enum(['binary', 'text']);
export type CopyEncoding = z.infer<typeof copyEncoding>;

const snapshotTable = tableSchema.extend({
  rows: count,
  /** Of the rows. Snapshots of format 1 lack it, and have text. */
  encoding: copyEncoding.optional(),
  /** Bytes of the rows before compression. */
  bytes: count,
  /** Bytes on disk. */
  stored_bytes: count,
  /** SHA-256 of the rows: of the file's contents, and of what COPY gives of the table. */
  checksum: sha256,
  /** Of the rows in any order, made by the database; see `snapshot-digests.ts`. Snapshots of earlier versions lack it. */
  row_digest: z.string().optional(),
  /** Foreign keys by which these rows refer to rows of the snapshot and to no other. Earlier versions did not look. */
  closed_keys: z.array(z.string()).optional(),
});
export type SnapshotTable = z.infer<typeof snapshotTable>;

const manifestContent = z.object({
  format: z.union([z.literal(1), z.literal(2)]),
  name: snapshotName,
  description: z.string(),
  created_at: z.iso.datetime(),
  /** The job that made it: its second try knows the first one's work by it. */
  job_id: z.string(),
  /** Which rows it has: those that are test data, of one dataset if one is named. */
  filter: z.object({ marker: z.string(), dataset_id: z.uuid().nullable() }),
  /** The server and the database that they are from. */
  database: z.string(),
  /** The digest of all that `tableSchema` has. */
  schema_version: sha256,
  /** Parents before children. */
  tables: z.array(snapshotTable),
});
export type ManifestContent = z.infer<typeof manifestContent>;

export const snapshotManifest = manifestContent.extend({ checksum: sha256 });
export type SnapshotManifest = z.infer<typeof snapshotManifest>;

/** The manifest with the checksum of all that it says. */
export function sealManifest(content: ManifestContent): SnapshotManifest {
  const parsed = manifestContent.parse(content);
  return { ...parsed, checksum: digestOf(parsed) };
}

/** Whether a manifest is as it was sealed. */
export function isSealed({ checksum, ...content }: SnapshotManifest): boolean {
  return digestOf(content) === checksum;
}

export const schemaVersionOf = (tables: readonly TableSchema[]): string =>
  digestOf(tables.map(table => tableSchema.parse(table)));

/** Of the JSON, whose fields zod gives in the order of the schema. */
const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

export const rowsByTable = ({ tables }: Pick<ManifestContent, 'tables'>): Record<string, number> =>
  Object.fromEntries(tables.map(({ name, rows }) => [shortName(name), rows]));

/** `staffs` for `public.staffs`; tables of other schemas keep their schema. */
export const shortName = (table: string): string => table.replace(/^public\./, '');

const totals = { stats: z.record(z.string(), count), total_rows: count, seconds: z.number() };

export const snapshotsCreate = defineJob({
  name: 'snapshots.create',
  input: z.strictObject({
    name: snapshotName,
    description: z.string(),
    dataset_id: z.uuid().nullable(),
    /** All tables that have the marker, when null. */
    tables: z.array(z.string()).nullable(),
  }),
  output: z.object({
    name: z.string(),
    ...totals,
    bytes: count,
    checksum: sha256,
    schema_version: sha256,
  }),
  options: { concurrency: 1, attempts: 5, backoffMs: 500, keepSeconds: 86_400 },
});

export const snapshotsRestore = defineJob({
  name: 'snapshots.restore',
  input: z.strictObject({
    name: snapshotName,
    clean_existing: z.boolean(),
    allow_other_database: z.boolean(),
  }),
  output: z.object({
    name: z.string(),
    ...totals,
    /** Test rows that were there before and went, or had other values. */
    removed_rows: count,
    /** Of `total_rows`, those that were there already, in tables that had these rows and no other: they stayed. */
    unchanged_rows: count,
    /** The part of `seconds` that the transaction took. */
    restore_seconds: z.number(),
  }),
  options: { concurrency: 1, attempts: 5, backoffMs: 500, keepSeconds: 86_400 },
});

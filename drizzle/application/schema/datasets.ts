import { sql } from 'drizzle-orm';
import { check, integer, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { muster } from './ledger.ts';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/**
 * The chunks of a dataset: a range of offices with all that belongs to them. States and epochs are those of
 * `bulk_chunks`, less the rollback: a chunk's rows and its `done` mark are one transaction.
 */
export const datasetChunks = muster.table(
  'dataset_chunks',
  {
    datasetId: uuid('dataset_id').notNull(),
    chunkIndex: integer('chunk_index').notNull(),
    firstOffice: integer('first_office').notNull(),
    offices: integer('offices').notNull(),
    status: text('status').notNull().default('pending'),
    epoch: integer('epoch').notNull().default(0),
    worker: text('worker'),
    finishedAt: moment('finished_at'),
  },
  table => [
    primaryKey({ columns: [table.datasetId, table.chunkIndex] }),
    check('dataset_chunks_status', sql`${table.status} in ('pending', 'running', 'done', 'cancelled')`),
    check('dataset_chunks_offices', sql`${table.offices} > 0`),
  ],
);

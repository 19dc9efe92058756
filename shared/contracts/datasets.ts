import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineQueue } from '../platform/queue/contract.ts';
import { defineJob } from './job.ts';
import { mayBeRefused } from './refusal.ts';

/**
 * Datasets: offices, their staff, recipients and support plans, made in the application's database. One job a dataset
 * (the conductor: plans chunks, hands them out, watches) and one task a chunk, as with bulk users. A row is a function
 * of the dataset's definition and its number: neither the worker nor the chunk it comes from shows in it.
 */
export interface DatasetDefinition {
  seed: number;
  /** Deadlines, ages and times of creation count from this day: `2026-10-01`. */
  referenceDate: string;
  offices: number;
  staffsPerOffice: number;
  recipientsPerOffice: number;
  cyclesPerRecipient: number;
}

/** The tables of a dataset, parents first. */
export const datasetTables = [
  'staffs',
  'offices',
  'office_staffs',
  'welfare_recipients',
  'office_welfare_recipients',
  'support_plan_cycles',
] as const;
export type DatasetTable = (typeof datasetTables)[number];

/** How many rows a dataset of `offices` offices has, by table; the system staff, which creates them, included. */
export function rowsOf(definition: DatasetDefinition): Record<DatasetTable, number> {
  const { offices, staffsPerOffice, recipientsPerOffice, cyclesPerRecipient } = definition;
  const staffs = offices * staffsPerOffice;
  const recipients = offices * recipientsPerOffice;
  return {
    staffs: staffs + 1,
    offices,
    office_staffs: staffs,
    welfare_recipients: recipients,
    office_welfare_recipients: recipients,
    support_plan_cycles: recipients * cyclesPerRecipient,
  };
}

export const totalRows = (definition: DatasetDefinition): number =>
  Object.values(rowsOf(definition)).reduce((total, rows) => total + rows, 0);

/**
 * The id of a dataset: 60 bits of its definition's digest in a UUID of version 8 (RFC 9562), the rest left to
 * `rowIdPrefix`. The same definition has the same id on any machine, so that making it twice is seen.
 */
export const datasetIdOf = (definition: DatasetDefinition): string =>
  `${prefixOf(definition)}000-000000000000`;

/** All but the last 48 bits of the ids of a dataset's rows in one table; they are the row's number. */
export const rowIdPrefix = (datasetId: string, table: DatasetTable): string =>
  `${datasetId.slice(0, 20)}00${datasetTables.indexOf(table) + 1}-`;

function prefixOf(definition: DatasetDefinition): string {
  const { seed, referenceDate, offices, staffsPerOffice, recipientsPerOffice, cyclesPerRecipient } =
    definition;
  const text = [seed, referenceDate, offices, staffsPerOffice, recipientsPerOffice, cyclesPerRecipient].join(
    '/',
  );
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-a`;
}

const datasetInput = z.strictObject({ dataset_id: z.uuid() });
const tableCounts = z.record(z.enum(datasetTables), z.int());

export const datasetsGenerate = defineJob({
  name: 'datasets.generate',
  input: datasetInput,
  output: z.object({
    dataset_id: z.uuid(),
    rows: tableCounts,
    total_rows: z.int(),
    /** From the first chunk's plan to the last chunk's end. */
    seconds: z.number(),
  }),
  // As `bulk-users.create`: a conductor mostly waits, and goes on where the last one stopped.
  options: { concurrency: 4, attempts: 12, backoffMs: 1000, keepSeconds: 86_400, drainMs: 0 },
});

export const datasetsChunk = defineQueue({
  name: 'datasets.chunk',
  payload: z.strictObject({
    dataset_id: z.uuid(),
    chunk_index: z.int().min(0),
    /** The job's run: a retry hands its chunks out under new ids. */
    run: z.int().min(0),
    /** The job itself: the same dataset may be deleted and generated again. */
    job_id: z.uuid(),
  }),
  result: z.object({ offices: z.int(), ...mayBeRefused }),
  jobId: ({ job_id, chunk_index, run }) => `${job_id}-${run}-${chunk_index}`,
  options: { concurrency: 2, attempts: 5, backoffMs: 200, keepSeconds: 3600 },
});

export const datasetsDelete = defineJob({
  name: 'datasets.delete',
  input: datasetInput,
  output: z.object({ dataset_id: z.uuid(), rows: tableCounts, total_rows: z.int(), seconds: z.number() }),
  options: { concurrency: 1, attempts: 5, backoffMs: 1000, keepSeconds: 86_400 },
});

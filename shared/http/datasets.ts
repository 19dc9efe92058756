import { z } from 'zod';
import { type DatasetDefinition, datasetTables, totalRows } from '../contracts/datasets.ts';
import { jobStatuses } from '../contracts/job.ts';
import { whenRight } from './field-rule.ts';
import { day, timestamp, uuid } from './fields.ts';
import { job } from './jobs.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const tag = 'Datasets';

const maxRows = 5_000_000;

const size = z.strictObject({
  offices: z.int().min(1).max(10_000),
  staffs_per_office: z.int().min(0).max(1000),
  recipients_per_office: z.int().min(0).max(10_000),
  cycles_per_recipient: z
    .int()
    .min(0)
    .max(24)
    .default(1)
    .describe('Support plans of half a year each; the latest one has the deadline that counts'),
});

const datasetFields = size.extend({
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional()
    .describe(
      'The same request with the same seed gives the same rows anywhere; drawn at random when absent',
    ),
  reference_date: day
    .default('2026-10-01')
    .describe('The day from which deadlines, ages and times of creation count'),
  batch_size: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('Offices in a chunk; chosen by the number of rows when absent. The rows do not depend on it'),
});

export const datasetRequest = datasetFields
  .superRefine(
    (body, context) => {
      const rows = totalRows(definitionOf(body, 0));
      if (rows <= maxRows) return;
      const message = `makes ${rows} rows, more than ${maxRows}`;
      context.addIssue({ code: 'custom', path: ['offices'], message, params: { code: 'limit_exceeded' } });
    },
    whenRight(...Object.keys(size.shape)),
  )
  .meta({ id: 'DatasetRequest' });
export type DatasetRequest = z.output<typeof datasetFields>;

/** What a request defines, with a seed for one that names none. */
export const definitionOf = (request: DatasetRequest, otherwiseSeed: number): DatasetDefinition => ({
  seed: request.seed ?? otherwiseSeed,
  referenceDate: request.reference_date,
  offices: request.offices,
  staffsPerOffice: request.staffs_per_office,
  recipientsPerOffice: request.recipients_per_office,
  cyclesPerRecipient: request.cycles_per_recipient,
});

export const createDatasetOperation = defineOperation({
  id: 'createDataset',
  method: 'post',
  path: '/api/datasets',
  role: 'operator',
  tag,
  summary: 'Fill the application with offices, staff, recipients and support plans',
  description:
    'Answers at once; the work is a job of kind `datasets.generate`, spread over all workers in chunks. Every row is ' +
    'test data and bears the id of the dataset, which is a digest of the request: a dataset that is there is a 409. ' +
    'The staff share one password, `TestPass123!`. At most 5,000,000 rows.',
  body: datasetRequest,
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['dataset_exists'],
});

const count = z.int().min(0);

export const dataset = size
  .extend({
    cycles_per_recipient: count,
    id: uuid,
    job_id: uuid,
    status: z.enum(jobStatuses).describe("The generating job's"),
    seed: count,
    reference_date: z.iso.date(),
    batch_size: count,
    rows: z.record(z.enum(datasetTables), count).describe('Made until now, by table'),
    total_rows: count.describe('When all of them are made'),
    created_at: timestamp,
  })
  .meta({ id: 'Dataset' });

export const listDatasetsOperation = defineOperation({
  id: 'listDatasets',
  method: 'get',
  path: '/api/datasets',
  role: 'viewer',
  tag,
  summary: 'Datasets, newest first',
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of datasets', schema: pageOf(dataset) } },
});

const params = z.strictObject({ id: uuid });

export const getDatasetOperation = defineOperation({
  id: 'getDataset',
  method: 'get',
  path: '/api/datasets/{id}',
  role: 'viewer',
  tag,
  summary: 'One dataset, and how far it is',
  params,
  responses: { 200: { description: 'The dataset', schema: dataset } },
});

export const deleteDatasetOperation = defineOperation({
  id: 'deleteDataset',
  method: 'delete',
  path: '/api/datasets/{id}',
  role: 'operator',
  tag,
  summary: "Delete a dataset's rows from the application",
  description:
    'Answers at once; the work is a job of kind `datasets.delete`, in one transaction. Also for a dataset that a ' +
    'restored snapshot brought back. A row of somebody else that refers to the dataset keeps all of it where it is.',
  params,
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['conflict'],
});

import { randomInt } from 'node:crypto';
import { z } from 'zod';
import {
  datasetIdOf,
  datasetsDelete,
  datasetsGenerate,
  totalRows,
} from '../../../../shared/contracts/datasets.ts';
import { isTerminal } from '../../../../shared/contracts/job.ts';
import {
  createDatasetOperation,
  definitionOf,
  deleteDatasetOperation,
  getDatasetOperation,
  listDatasetsOperation,
} from '../../../../shared/http/datasets.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { tallyDatasets } from '../../../../shared/store/datasets/dataset-ledger.ts';
import {
  findDataset,
  hasDatasetRows,
  insertDataset,
  listDatasets,
} from '../../../../shared/store/datasets/datasets.ts';
import { tellDeed } from '../../deed.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, ok, type Route, route } from '../../route.ts';
import { submitJob } from '../../submit-job.ts';
import { presentDataset } from './present.ts';

export interface DatasetRoutesDeps {
  /** The application's database: the rows, and the ledger beside them. */
  applicationDb: Executor;
  queue: QueueClient;
}

/** Some 8,000 rows take a second at most: progress is seen, and little is done again after a crash. */
const rowsPerChunk = 8000;

export const datasetRoutes = ({ applicationDb, queue }: DatasetRoutesDeps): Route[] => [
  route(createDatasetOperation, async ({ body, ...call }) => {
    const definition = definitionOf(body, randomInt(2 ** 31));
    const rows = totalRows(definition);
    const id = datasetIdOf(definition);
    if (await hasDatasetRows(applicationDb, id)) throw datasetExists(id);
    const job = await submitJob(call, queue, datasetsGenerate, { dataset_id: id });
    const chunkOffices = body.batch_size ?? Math.max(1, Math.round((rowsPerChunk * body.offices) / rows));
    if (!(await insertDataset(call.db, { id, jobId: job.id, ...definition, chunkOffices })))
      throw datasetExists(id);
    await tellDeed(call, 'datasets.create', id, { job_id: job.id, rows });
    return accepted(presentJob(job), `/api/jobs/${job.id}`);
  }),

  route(listDatasetsOperation, async ({ query: { cursor, limit }, db }) => {
    const rows = await listDatasets(db, { before: decodeCursor(cursor, z.uuid()), limit: limit + 1 });
    const tallies = await tallyDatasets(
      applicationDb,
      rows.map(({ dataset }) => dataset.id),
    );
    return ok(
      pageFrom(
        rows,
        limit,
        ({ dataset }) => dataset.jobId,
        row => presentDataset(row, tallies.get(row.dataset.id)),
      ),
    );
  }),

  route(getDatasetOperation, async ({ params: { id }, db }) => {
    const found = await findDataset(db, id);
    if (found === undefined) throw new AppError('not_found', `There is no dataset ${id}`);
    return ok(presentDataset(found, (await tallyDatasets(applicationDb, [id])).get(id)));
  }),

  route(deleteDatasetOperation, async ({ params: { id }, ...call }) => {
    const found = await findDataset(call.db, id);
    if (found === undefined && !(await hasDatasetRows(applicationDb, id)))
      throw new AppError('not_found', `There is no dataset ${id}`);
    if (found !== undefined && !isTerminal(found.job.status)) throw stillGenerated(found.job.id);
    const job = await submitJob(call, queue, datasetsDelete, { dataset_id: id });
    await tellDeed(call, 'datasets.delete', id, { job_id: job.id });
    return accepted(presentJob(job), `/api/jobs/${job.id}`);
  }),
];

const datasetExists = (id: string): AppError =>
  new AppError('dataset_exists', `The application has the dataset of this request and seed already: ${id}`, {
    hint: `Choose another seed, or delete it first: DELETE /api/datasets/${id}`,
  });

const stillGenerated = (jobId: string): AppError =>
  new AppError('conflict', 'The dataset is still being generated', {
    hint: `Cancel that first: POST /api/jobs/${jobId}/cancel`,
  });

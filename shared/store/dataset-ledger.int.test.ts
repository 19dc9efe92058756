import { testDatabases } from '../../test/fixtures/database.ts';
import { type DatasetDefinition, datasetIdOf } from '../contracts/datasets.ts';
import { newId } from '../kernel/ids.ts';
import { planDataset, tallyDatasets, withdrawDataset } from './dataset-ledger.ts';
import { insertOffices, insertSystemStaff } from './dataset-rows.ts';
import { deleteDatasetRows, followRestore, insertDataset } from './datasets.ts';

const databases = testDatabases();
const definition: DatasetDefinition = {
  seed: 1,
  referenceDate: '2026-10-01',
  offices: 5,
  staffsPerOffice: 1,
  recipientsPerOffice: 1,
  cyclesPerRecipient: 1,
};
const datasetId = datasetIdOf(definition);
const rows = { datasetId, definition, passwordHash: '$argon2id$test' };
const plan = () => planDataset(databases.application.db, { datasetId, offices: 5, chunkOffices: 2 });
const statuses = async () => {
  const chunks = await databases.application.sql<{ status: string }[]>`
    select status from muster.dataset_chunks where dataset_id = ${datasetId} order by chunk_index`;
  return chunks.map(({ status }) => status);
};

beforeEach(async () => {
  const { db } = databases.application;
  await deleteDatasetRows(db, datasetId);
  await insertSystemStaff(db, rows);
  await insertOffices(db, rows, { first: 1, last: 3 });
});

it('takes chunks for done whose offices are there, whether they are planned or opened again', async () => {
  await plan();
  expect(await statuses()).toEqual(['done', 'pending', 'pending']);
  await withdrawDataset(databases.application.db, datasetId);
  await insertOffices(databases.application.db, rows, { first: 5, last: 5 });
  await plan();
  expect(await statuses()).toEqual(['done', 'pending', 'done']);
});

it('believes the rows after a restore, not the chunks of what stood before', async () => {
  const { platform, application } = databases;
  const jobId = newId();
  await platform.sql`
    insert into jobs (id, kind, status, payload, requested_by, finished_at)
    values (${jobId}, 'datasets.generate', 'succeeded', '{}', 'test', now())`;
  await insertDataset(platform.db, { id: datasetId, jobId, ...definition, chunkOffices: 2, plannedRun: 0 });
  await plan();
  await application.sql`update muster.dataset_chunks set status = 'done'`;
  await followRestore(platform.db, application.db);
  expect((await tallyDatasets(application.db, [datasetId])).get(datasetId)).toMatchObject({ officesDone: 3 });
});

import { testDatabases } from '../../../test/fixtures/database.ts';
import { type DatasetDefinition, datasetIdOf } from '../../contracts/datasets.ts';
import { newId } from '../../kernel/ids.ts';
import { planDataset, tallyDatasets, withdrawDataset } from './dataset-ledger.ts';
import { insertOffices, insertSystemStaff } from './dataset-rows.ts';
import { deleteDatasetRows, findDataset, followRestore, forgetChunks, insertDataset } from './datasets.ts';

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

describe('after a restore', () => {
  /** The dataset as its job left it; gives whether it is listed as one that was deleted. */
  async function noted(
    status: 'succeeded' | 'running',
    deletedAt: Date | null,
  ): Promise<() => Promise<boolean>> {
    const { db, sql } = databases.platform;
    const jobId = newId();
    await sql`delete from datasets`;
    await sql`
      insert into jobs (id, kind, status, payload, requested_by, finished_at)
      values (${jobId}, 'datasets.generate', ${status}, '{}', 'test', ${status === 'running' ? null : '2026-10-01'})`;
    await insertDataset(db, {
      id: datasetId,
      jobId,
      ...definition,
      chunkOffices: 2,
      plannedRun: 0,
      deletedAt,
    });
    return async () => (await findDataset(db, datasetId)) === undefined;
  }
  const follow = () => followRestore(databases.platform.db, databases.application.db);

  it('believes the rows, not the chunks of what stood before', async () => {
    const { application } = databases;
    await plan();
    await application.sql`update muster.dataset_chunks set status = 'done'`;
    await application.sql.unsafe(forgetChunks);
    expect((await tallyDatasets(application.db, [datasetId])).get(datasetId)).toMatchObject({
      officesDone: 3,
    });
  });

  it('lists a dataset that it brought back, and one that it took away no longer', async () => {
    const isDeleted = await noted('succeeded', new Date());
    await follow();
    expect(await isDeleted()).toBe(false);
    await deleteDatasetRows(databases.application.db, datasetId);
    await follow();
    expect(await isDeleted()).toBe(true);
  });

  it('leaves one alone whose job was asked for meanwhile', async () => {
    const isDeleted = await noted('running', null);
    await deleteDatasetRows(databases.application.db, datasetId);
    await follow();
    expect(await isDeleted()).toBe(false);
  });
});

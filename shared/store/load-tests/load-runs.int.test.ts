import { testDatabases } from '../../../test/fixtures/database.ts';
import { insertTest } from '../../../test/fixtures/load-test.ts';
import { waitFor } from '../../kernel/time.ts';
import { requestCancel, requeueJob } from '../jobs/jobs.ts';
import { concludeAbandoned, readRun } from './load-runs.ts';
import { findLoadTest } from './load-tests.ts';

const databases = testDatabases();
const db = () => databases.platform.db;
const statusOf = async (id: string) => (await findLoadTest(db(), id))?.status;

describe('a test whose job has ended without it', () => {
  it('is concluded as its job was', async () => {
    const { id, jobId } = await insertTest(databases);
    await concludeAbandoned(db());
    expect(await statusOf(id)).toBe('queued');
    await requestCancel(db(), jobId);
    await concludeAbandoned(db());
    expect(await statusOf(id)).toBe('aborted');
  });

  it('goes on when the job is retried before its row can be had', async () => {
    const { id, jobId } = await insertTest(databases);
    await requestCancel(db(), jobId);
    let concluding: Promise<void> | undefined;
    await db().transaction(async tx => {
      await readRun(tx, id, { hold: true });
      concluding = concludeAbandoned(db());
      await waitFor('the sweep to wait for the row', async () => {
        const waiting = await databases.platform.sql`
          select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return waiting.length > 0;
      });
      await requeueJob(db(), jobId);
    });
    await concluding;
    expect(await statusOf(id)).toBe('queued');
  });
});

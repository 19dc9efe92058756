import { bulkUsersCreate } from '../../shared/contracts/bulk-users.ts';
import { contracts } from '../../shared/contracts/index.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { createLogger } from '../../shared/platform/log.ts';
import { openQueueBackend } from '../../shared/platform/queue/backend.ts';
import { createQueueClient, type QueueClient } from '../../shared/platform/queue/client.ts';
import type { QueueBackend } from '../../shared/platform/queue/seam.ts';
import { claimJob, finishJob, releaseJob } from '../../shared/store/jobs/job-runs.ts';
import { findJob, insertJob, requestCancel } from '../../shared/store/jobs/jobs.ts';
import { asLeader } from '../../shared/store/leadership.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { describeEachBackend } from '../../test/fixtures/queue.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';

const databases = testDatabases();
const logger = createLogger('test', { level: 'silent' });

describeEachBackend(databases, store => {
  let backend: QueueBackend;
  let queue: QueueClient;
  let reconciler: Reconciler;

  beforeAll(async () => {
    backend = await openQueueBackend({ ...store, name: 'test', logger });
    queue = createQueueClient(backend, Object.values(contracts));
    reconciler = createReconciler({ database: databases.platform, queue, logger, graceMs: -1000 });
  });
  afterAll(async () => {
    await reconciler.stop();
    await queue.stop();
    await backend.stop();
  });

  async function insert(kind = bulkUsersCreate.name): Promise<string> {
    const id = newId();
    await insertJob(databases.platform.db, { id, kind, payload: { batch_id: newId() }, requestedBy: 'ada' });
    return id;
  }

  it('enqueues a job whose submitter died after the row, once, and clears its outbox mark', async () => {
    const id = await insert();
    expect(await queue.state(bulkUsersCreate, id)).toBe('missing');
    expect(await reconciler.runOnce()).toContain(id);
    expect(await queue.state(bulkUsersCreate, id)).toBe('waiting');
    expect((await findJob(databases.platform.db, id))?.enqueuedAt).toBeInstanceOf(Date);
    expect(await reconciler.runOnce()).not.toContain(id);
  });

  it('leaves jobs alone that have ended, and kinds that it does not know', async () => {
    const ended = await insert();
    const row = await claimJob(databases.platform.db, ended, 'w');
    await finishJob(databases.platform.db, { id: ended, epoch: row?.epoch ?? 0 }, { status: 'succeeded' });
    const foreign = await insert('someone.elses');
    const revived = await reconciler.runOnce();
    expect(revived).not.toContain(ended);
    expect(revived).not.toContain(foreign);
  });

  it('lets a cancelled job have its next try at once', async () => {
    const id = await insert();
    const row = await claimJob(databases.platform.db, id, 'w');
    const failure = { code: 'internal_error', message: 'it failed' };
    await releaseJob(databases.platform.db, { id, epoch: row?.epoch ?? 0 }, failure);
    await queue.enqueue(bulkUsersCreate, { job_id: id }, { delayMs: 600_000 });
    await reconciler.runOnce();
    expect(await queue.state(bulkUsersCreate, id)).toBe('delayed');
    await requestCancel(databases.platform.db, id);
    await reconciler.runOnce();
    expect(await queue.state(bulkUsersCreate, id)).toBe('waiting');
  });

  it('does nothing while another worker leads', async () => {
    const led = await asLeader(databases.platform.db, 'reconciler', () => reconciler.runOnce());
    expect(led).toBeUndefined();
  });
});

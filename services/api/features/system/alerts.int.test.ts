import { newId } from '../../../../shared/kernel/ids.ts';
import { createLogger } from '../../../../shared/platform/log.ts';
import { insertBatch } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { insertJob } from '../../../../shared/store/jobs/jobs.ts';
import { changeSettings } from '../../../../shared/store/settings.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { createAlertWatch } from './alerts.ts';
import { createResponseTimes } from './response-times.ts';

const databases = testDatabases();
const db = () => databases.platform.db;
const responseTimes = createResponseTimes();

const createWatch = () =>
  createAlertWatch({
    db: db(),
    logger: createLogger('test', { level: 'silent' }),
    responseTimes,
    dataDir: '.',
  });

/** A job that has ended so. */
async function ended(kind: string, status: string, result: object | null = null): Promise<string> {
  const id = newId();
  await insertJob(db(), { id, kind, payload: {}, requestedBy: 'ada' });
  await databases.platform.sql`
    update jobs set status = ${status}, result = ${JSON.stringify(result)}::text::jsonb, finished_at = now() where id = ${id}`;
  return id;
}

async function batch(total: number, status: string, failed?: number): Promise<void> {
  const jobId = await ended(
    'bulk-users.create',
    status,
    failed === undefined ? null : { failed_count: failed },
  );
  const config = {
    username_pattern: '{id}',
    email_domain: 'example.com',
    user_role: 'user',
    batch_size: 1,
    custom_attributes: {},
    creation_interval_ms: 0,
    on_error: 'continue' as const,
  };
  await insertBatch(db(), {
    id: newId(),
    jobId,
    totalRequested: total,
    chunkSize: 1,
    config,
    sealedPassword: 'x',
  });
}

const alertOf = async (watch: ReturnType<typeof createWatch>, name: string) =>
  (await watch.look()).find(alert => alert.name === name);

describe('alerts', () => {
  it('are all there, with nothing to go by at first', async () => {
    const alerts = await createWatch().look();
    expect(alerts.map(({ name, status }) => `${name} ${status}`).slice(0, 3)).toEqual([
      'user_creation_failure_rate ok',
      'sync_failure_rate ok',
      'response_time_p95 ok',
    ]);
    expect(alerts[0]).toMatchObject({ value: null, threshold: 0.05, unit: 'share' });
    for (const { value } of alerts.slice(3)) expect(value).toBeGreaterThan(0);
  });

  it('fire by what failed of users and of syncs, and keep since when', async () => {
    const watch = createWatch();
    await batch(100, 'succeeded', 0);
    await batch(50, 'cancelled');
    await ended('user-sync.run', 'partially_succeeded', { failed_count: 300 }); // users, and none of them created
    expect(await alertOf(watch, 'user_creation_failure_rate')).toMatchObject({ status: 'ok', value: 0 });
    await batch(100, 'failed'); // without a result: it never got far
    await ended('user-sync.run', 'failed');
    const firing = await alertOf(watch, 'user_creation_failure_rate');
    expect(firing).toMatchObject({ status: 'firing', value: 0.5 });
    expect(await alertOf(watch, 'sync_failure_rate')).toMatchObject({ status: 'firing', value: 0.5 });
    expect((await alertOf(watch, 'user_creation_failure_rate'))?.since).toBe(firing?.since);
    await databases.platform.sql`update jobs set finished_at = now() - interval '2 hours'`;
    expect(await alertOf(watch, 'user_creation_failure_rate')).toMatchObject({ status: 'ok', value: null });
  });

  it('follow the thresholds in the settings', async () => {
    const watch = createWatch();
    responseTimes.record(2);
    expect(await alertOf(watch, 'response_time_p95')).toMatchObject({ status: 'ok', threshold: 5 });
    await changeSettings(db(), { alert_response_time_p95_seconds: 1, alert_memory_percent: 0 }, 'ada');
    expect(await alertOf(watch, 'response_time_p95')).toMatchObject({ status: 'firing', threshold: 1 });
    expect(await alertOf(watch, 'memory_usage_percent')).toMatchObject({ status: 'firing', threshold: 0 });
    expect(watch.latest()).toHaveLength(5);
  });
});

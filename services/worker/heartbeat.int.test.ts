import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { createLogger } from '../../shared/platform/log.ts';
import { beat, countAliveWorkers, listWorkers } from '../../shared/store/workers.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { startHealthServer } from './health-server.ts';
import { startHeartbeat } from './heartbeat.ts';

const databases = testDatabases();
const logger = createLogger('test', { level: 'silent' });
const identityOf = (name: string) => ({
  id: newId(),
  name,
  host: 'here',
  pid: 1,
  version: '0',
  loadSlots: 2,
});
const byName = async (name: string) =>
  (await listWorkers(databases.platform.db)).find(worker => worker.name === name);

describe('a worker', () => {
  it('is alive from its start, says what it does, and has stopped when it stops', async () => {
    let active = 0;
    const heartbeat = await startHeartbeat({
      db: databases.platform.db,
      identity: identityOf('steady'),
      activity: () => ({ q: { concurrency: 2, active, completed: 0, failed: 0 } }),
      logger,
      intervalMs: 10,
    });
    expect(await byName('steady')).toMatchObject({ status: 'alive', queues: { q: { active: 0 } } });
    active = 1;
    await waitFor('the next beat', async () => (await byName('steady'))?.queues.q?.active === 1);
    expect(await countAliveWorkers(databases.platform.db)).toBe(1);
    await heartbeat.stop();
    expect(await byName('steady')).toMatchObject({ status: 'stopped' });
  });

  it('that is not heard of counts as lost, and is at work on nothing', async () => {
    const identity = identityOf('silent');
    const done = { concurrency: 2, completed: 5, failed: 1 };
    await beat(databases.platform.db, identity, { q: { ...done, active: 1 } });
    await databases.platform.sql`
      update workers set last_seen_at = now() - interval '11 seconds' where id = ${identity.id}`;
    expect(await byName('silent')).toMatchObject({
      status: 'lost',
      queues: { q: { ...done, active: 0 } },
    });
    expect(await countAliveWorkers(databases.platform.db)).toBe(0);
  });

  it('that is lost is shown until another one has been in its place for some minutes', async () => {
    const { db, sql } = databases.platform;
    const [lost, next] = [identityOf('again'), identityOf('again')];
    const shown = async () =>
      (await listWorkers(db)).filter(({ name }) => name === 'again').map(({ id }) => id);
    const lastSeen = (minutes: number) => sql`
      update workers set started_at = now() - interval '30 minutes',
        last_seen_at = now() - ${minutes} * interval '1 minute' where id = ${lost.id}`;
    await beat(db, lost, {});
    await lastSeen(20);
    await beat(db, { ...next, id: newId(), host: 'there' }, {});
    expect(await shown()).toContain(lost.id);
    await beat(db, next, {});
    expect(await shown()).not.toContain(lost.id);
    await lastSeen(2);
    expect(await shown()).toContain(lost.id);
  });
});

it('a health server answers for the container, and knows nothing else', async () => {
  const server = await startHealthServer(0, () => ({ name: 'steady' }));
  const health = await fetch(`http://127.0.0.1:${server.port}/health`);
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok', name: 'steady' }]);
  expect((await fetch(`http://127.0.0.1:${server.port}/else`)).status).toBe(404);
  await server.stop();
});

import { syncResultSchema } from '../../shared/contracts/user-sync.ts';
import { syncUsersOperation } from '../../shared/http/user-sync.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { sleep } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { addTestUsers } from '../fixtures/user-sync.ts';
import { rounds } from './batch.ts';

const databases = testDatabases();
const stack = testStack({ databases, store: () => postgresStore(databases), settings: shortLocks });
const batchId = newId();
const users = 6000;

beforeAll(async () => {
  await databases.platform.sql`
    insert into settings (name, value, updated_by) values ('sync_chunk_size', '100', 'test')`;
  await addTestUsers(databases, batchId, { to: users });
});

/** Leaves work in both directions. */
async function changeBothSides(round: number): Promise<void> {
  const { application, platform } = databases;
  await application.sql`update users set role = ${`ours ${round}`} where hashtext(username) % 3 = 0`;
  await application.sql`delete from users where hashtext(username || ${round}::text) % 50 = 0`;
  await platform.sql`update accounts set role = ${`theirs ${round}`}, updated_at = now()
    where hashtext(username) % 3 = 1 and status <> 'deleted'`;
}

const submit = (direction: 'push' | 'bidirectional' = 'bidirectional') =>
  stack.client.submit(syncUsersOperation, { body: { target: 'load_tester', direction, confirm: true } });
const ended = async (jobId: string) => {
  const { status, result, error } = await stack.untilEnded({ jobId });
  return { status, error, ...syncResultSchema.parse(result) };
};

/** Kills both workers at a moment of chance: whatever it hits must come to the same. */
async function killWithin(ms: number): Promise<void> {
  await sleep(Math.random() * ms);
  await Promise.all(stack.workers.map(worker => stack.killWorker(worker)));
  await Promise.all([stack.startWorker(), stack.startWorker()]);
}

test.each(rounds())(
  'a first sync that is killed at any moment brings each user once (round %i)',
  async () => {
    await databases.platform.sql`delete from accounts`;
    const { id } = await submit('push');
    await killWithin(600);
    const [row] = await databases.application.sql<
      { present: number }[]
    >`select count(*)::int as present from users`;
    expect(await ended(id)).toMatchObject({
      ...{ status: 'succeeded', in_sync: true, failed_count: 0 },
      created: row?.present,
    });
  },
);

test.each(rounds())('a sync that is killed at any moment is carried to its end (round %i)', async round => {
  await changeBothSides(round);
  const { id } = await submit();
  await killWithin(1500);
  expect(await ended(id)).toMatchObject({ status: 'succeeded', in_sync: true, failed_count: 0 });
  const next = await submit();
  expect(await ended(next.id)).toMatchObject({
    status: 'succeeded',
    in_sync: true,
    created: 0,
    updated: 0,
    deleted: 0,
  });
});

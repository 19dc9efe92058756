import postgres, { type Sql } from 'postgres';
import { type SyncResult, syncResultSchema } from '../shared/contracts/user-sync.ts';
import { withCopyConnection } from '../shared/platform/postgres/copy-connection.ts';
import { runJob } from './jobs.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { show, spreadOf } from './statistics.ts';

type Times = Record<string, number[]>;

/**
 * A sync of all users to the built-in pool, from the request to the job's end as a client sees it, against COPY of the
 * same rows out of the one database and into an equal table, with equal indexes, of the other, by one session each. Then
 * one without a change, and one after a hundredth has changed.
 */
export async function benchUserSync(count = 100_000, rounds = 5): Promise<void> {
  const stack = await startBenchStack();
  const application = postgres(stack.applicationUrl, { max: 1, onnotice: () => {} });
  const platform = postgres(stack.platformUrl, { max: 1, onnotice: () => {} });
  const times: Times = {};
  try {
    console.log(
      `${count} users, 2 workers, ${rounds} rounds after one that is not counted; peer: COPY out and in`,
    );
    await platform`create table accounts_by_copy (like accounts including all)`;
    await runJob(stack, 'POST', '/api/bulk-users/create', {
      count,
      config: { custom_attributes: { plan: 'pro', region: 'tokyo' } },
    });
    await application`vacuum analyze users`;
    for (let round = 0; round <= rounds; round++)
      await measure(stack, { application, platform }, times, round, count);
    report(times);
  } finally {
    await Promise.all([application.end(), platform.end()]);
    await stack.stop();
  }
}

interface Databases {
  application: Sql;
  platform: Sql;
}

async function measure(
  stack: BenchStack,
  { application, platform }: Databases,
  times: Times,
  round: number,
  count: number,
): Promise<void> {
  const note = (step: string, value: number) => {
    if (round > 0) times[step] = [...(times[step] ?? []), value];
  };
  await platform`truncate accounts, accounts_by_copy cascade`;
  await platform`checkpoint`;
  const copied = await copyPlainly(stack);
  note('COPY out and in, s', copied);
  await platform`checkpoint`;
  const full = await sync(stack, { created: count });
  note('first sync, s', full.seconds);
  note('ratio of the first sync to COPY', full.seconds / copied);
  await platform`vacuum analyze accounts`;
  const idle = await sync(stack, { unchanged: count });
  note('no change, in sync proved, s', idle.seconds);
  note('no change, MB moved', idle.bytes_sent / 1e6);
  await application`update users set role = ${`role ${round}`} where hashtext(username) % 100 = 0`;
  await application`vacuum analyze users`;
  const changed = await sync(stack, {});
  note('1 % changed, s', changed.seconds);
  note('full sync, MB moved', full.bytes_sent / 1e6);
  note('1 % changed, MB moved', changed.bytes_sent / 1e6);
  note('share of the full sync that moved, %', (100 * changed.bytes_sent) / full.bytes_sent);
}

async function sync(
  stack: BenchStack,
  expected: Partial<SyncResult>,
): Promise<SyncResult & { seconds: number }> {
  const done = await runJob(stack, 'POST', '/api/bulk-users/sync', { target: 'load_tester' });
  const result = syncResultSchema.parse(done.result);
  const wrong = Object.entries({ ...expected, in_sync: true }).filter(
    ([name, value]) => Reflect.get(result, name) !== value,
  );
  if (wrong.length > 0) throw new Error(`The sync gave ${JSON.stringify(result)}`);
  return { ...result, seconds: done.seconds };
}

/** The columns that a sync fills; the sealed password is as long as a real one. */
async function copyPlainly({ applicationUrl, platformUrl }: BenchStack): Promise<number> {
  const signal = AbortSignal.timeout(3_600_000);
  const startedAt = performance.now();
  await withCopyConnection(applicationUrl, { name: 'bench', signal }, source =>
    withCopyConnection(platformUrl, { name: 'bench', signal }, target =>
      target.copyIn(
        `copy accounts_by_copy (username, email, role, is_test_user, test_batch_id, custom_attributes, source_id,
           created_at, updated_at, sealed_password, status, synced_at, base_digest) from stdin`,
        source.copyOut(
          `copy (select username, email, role, is_test_user, test_batch_id, custom_attributes, id, created_at, updated_at,
             repeat('x', 60), 'synced', now(), 1 from users) to stdout`,
        ),
      ),
    ),
  );
  return (performance.now() - startedAt) / 1000;
}

function report(times: Times): void {
  for (const [step, values] of Object.entries(times))
    console.log(`${step.padEnd(45)} ${show(spreadOf(values))}`);
}

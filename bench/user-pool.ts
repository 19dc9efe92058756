import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { waitFor } from '../shared/kernel/time.ts';
import { callApi } from './jobs.ts';
import { fillPool } from './pool.ts';
import { type BenchStack, startBenchStack } from './stack.ts';

const visitSchema = z.object({
  time: z.iso.datetime(),
  ms: z.number(),
  user_agent: z.string().optional(),
  username: z.string().optional(),
});
type Visit = z.infer<typeof visitSchema>;

const loadTestSchema = z.object({
  id: z.uuid(),
  status: z.string(),
  finished_at: z.string().nullable(),
  shards: z.array(z.object({ worker: z.string(), requests: z.int() })),
  metrics: z.object({
    http_reqs: z.object({ count: z.int(), rate: z.number() }),
    http_req_failed: z.object({ passes: z.int() }),
    vus_max: z.int(),
    logins: z.object({ count: z.int(), failed: z.int() }).optional(),
    login_duration: z.object({ med: z.number(), 'p(95)': z.number() }).optional(),
  }),
});
type LoadTest = z.infer<typeof loadTestSchema>;

/**
 * Not a race but a proof: a run of `users` virtual users over three workers, each with an account of its own, held
 * against the storefront's access log: as many different accounts, none twice at once, none on two workers.
 */
export async function proveUserPool(users = 500, seconds = 15): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-pool-'));
  const log = join(folder, 'access.log');
  const stack = await startBenchStack({ WORKERS: '3', ACCESS_LOG: log });
  let test: LoadTest;
  try {
    const { batchId } = await fillPool(stack, users + 100);
    test = await run(stack, { users, seconds, batchId });
  } finally {
    await stack.stop(); // after it the log is whole
  }
  const visits = visitsOf(await readFile(log, 'utf8'), test.id);
  await rm(folder, { recursive: true });
  report(test, visits, users);
}

async function run(
  stack: BenchStack,
  { users, seconds, batchId }: { users: number; seconds: number; batchId: string },
): Promise<LoadTest> {
  const body = {
    session_name: 'user pool',
    concurrent_users: users,
    duration: `${seconds}s`,
    request_interval_min: 0.5,
    request_interval_max: 1.5,
    endpoints: [
      { name: 'profile', url: '/me', weight: 1 },
      { name: 'cart', url: '/cart', weight: 1 },
    ],
    user_pool: { batch_id: batchId },
  };
  const test = loadTestSchema.parse(await callApi(stack, 'POST', '/api/load-tests', body));
  return waitFor(
    'the end of the run',
    async () => {
      const now = loadTestSchema.parse(await callApi(stack, 'GET', `/api/load-tests/${test.id}`));
      return now.finished_at !== null && now;
    },
    { timeoutMs: 600_000, intervalMs: 500 },
  );
}

function report(test: LoadTest, visits: Visit[], users: number): void {
  const { metrics, shards } = test;
  const byUser = Map.groupBy(visits, ({ username }) => username ?? '');
  const wanderers = [...byUser.values()].filter(of => new Set(of.map(shardOf)).size > 1).length;
  const twice = [...byUser.values()].filter(overlaps).length;
  console.log(`run: ${test.status}, ${metrics.vus_max} users over ${shards.length} workers`);
  console.log(`     ${metrics.http_reqs.count} requests counted, ${metrics.http_req_failed.passes} failed`);
  const { logins, login_duration: times } = metrics;
  console.log(
    `     ${logins?.count} logins, ${logins?.failed} failed; med ${times?.med} ms, p(95) ${times?.['p(95)']} ms`,
  );
  console.log("the storefront's log of this run:");
  console.log(`     requests                      ${visits.length}`);
  console.log(`     without an account            ${byUser.get('')?.length ?? 0}`);
  console.log(`     different accounts            ${byUser.size}`);
  console.log(`     accounts used twice at once   ${twice}`);
  console.log(`     accounts on two workers       ${wanderers}`);
  const holds =
    byUser.size === users && twice === 0 && wanderers === 0 && visits.length === metrics.http_reqs.count;
  if (!holds || byUser.has('')) throw new Error('The proof does not hold');
  console.log('holds');
}

const visitsOf = (text: string, testId: string): Visit[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => visitSchema.parse(JSON.parse(line)))
    .filter(({ user_agent }) => user_agent?.includes(testId));

const shardOf = ({ user_agent }: Visit): string => /shard (\d+)/.exec(user_agent ?? '')?.[1] ?? '';

/** Whether two requests of one account were under way at once; the log rounds arrivals to the millisecond. */
function overlaps(visits: Visit[]): boolean {
  const spans = visits
    .map(({ time, ms }) => ({ from: Date.parse(time), to: Date.parse(time) + ms - 1 }))
    .toSorted((a, b) => a.from - b.from);
  return spans.some(({ from }, index) => index > 0 && from < (spans[index - 1]?.to ?? 0));
}

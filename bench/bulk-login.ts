import { Agent, request } from 'undici';
import { z } from 'zod';
import { runJob } from './jobs.ts';
import { fillPool, type PoolAccount } from './pool.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { show, spreadOf } from './statistics.ts';

const loginResult = z.object({ logged_in: z.int(), p95_ms: z.number() });
const atOnce = 10;

/**
 * Bulk login of the storefront's users, from the request to the job's end as a client sees it, against a bare loop that
 * logs the same accounts in at the same concurrency and keeps nothing. The target's password check (argon2id) is what
 * takes the time.
 */
export async function benchBulkLogin(count = 500, rounds = 5): Promise<void> {
  const stack = await startBenchStack();
  try {
    const { batchId, accounts } = await fillPool(stack, count);
    console.log(
      `${count} accounts, 2 workers, ${atOnce} logins at once, ${rounds} rounds after one that is not counted`,
    );
    const ours: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const seconds = await logInByMuster(stack, batchId, count);
      const bareSeconds = await logInBarely(stack, accounts);
      if (round === 0) continue;
      ours.push(count / seconds);
      bare.push(count / bareSeconds);
      console.log(`  round ${round}: Muster ${seconds.toFixed(2)} s, bare loop ${bareSeconds.toFixed(2)} s`);
    }
    const ratios = ours.map((rate, round) => rate / (bare[round] ?? Number.NaN));
    console.log(`Muster, submit to done    ${show(spreadOf(ours), ' logins/s', 1)}`);
    console.log(`bare loop                 ${show(spreadOf(bare), ' logins/s', 1)}`);
    console.log(`ratio, wanted: over 0.90  ${show(spreadOf(ratios))}`);
  } finally {
    await stack.stop();
  }
}

async function logInByMuster(stack: BenchStack, batch_id: string, count: number): Promise<number> {
  const startedAt = performance.now();
  const body = { batch_id, force: true, concurrency: atOnce };
  const job = await runJob(stack, 'POST', '/api/users/sessions/bulk-login', body);
  const seconds = (performance.now() - startedAt) / 1000;
  const { logged_in } = loginResult.parse(job.result);
  if (logged_in !== count) throw new Error(`${logged_in} of ${count} accounts are logged in`);
  return seconds;
}

async function logInBarely({ storefrontUrl }: BenchStack, accounts: PoolAccount[]): Promise<number> {
  const dispatcher = new Agent({ connections: atOnce });
  const rest = accounts.values();
  const startedAt = performance.now();
  const loop = async () => {
    for (const account of rest) {
      const { statusCode, body } = await request(`${storefrontUrl}/login`, {
        ...{ dispatcher, method: 'POST', headers: { 'content-type': 'application/json' } },
        body: JSON.stringify(account),
      });
      await body.dump();
      if (statusCode !== 200) throw new Error(`The storefront answered ${statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  const seconds = (performance.now() - startedAt) / 1000;
  await dispatcher.close();
  return seconds;
}

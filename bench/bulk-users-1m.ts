import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { createByCopy, createByMuster, emptyUsers, makeCopyTable } from './bulk-users.ts';
import { measureCleanup, preparePeers, reportCleanup } from './cleanup.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { show, spreadOf } from './statistics.ts';

const few = 10_000;
const smallCount = 1000;
const smallRounds = 5;

/**
 * A million users, or COUNT: from the request to the job's end, against COPY of the same rows by one session into an
 * equal table without guards; how the API answers meanwhile; whether a worker's memory grows with the count; and how
 * long the 1,000 of the documentation take.
 */
export async function benchMillionUsers(count = 1_000_000, rounds = 3): Promise<void> {
  const stack = await startBenchStack();
  const sql = postgres(stack.applicationUrl, { max: 1, onnotice: () => {} });
  try {
    await makeCopyTable(sql);
    await emptyUsers(sql);
    await createByMuster(stack, sql, { count: few, name: 'few' });
    const rssOfFew = await stack.peakWorkerRssBytes();
    console.log(`${count} users, 2 workers, ${rounds} rounds; peer: COPY by one session, no guards`);
    const large = await measureLarge(stack, sql, count, rounds);
    const rssOfMany = await stack.peakWorkerRssBytes();
    await cleanUpLast(stack, sql);
    const small = await measureSmall(stack, sql);
    report({ count, ...large, small, rssOfFew, rssOfMany });
  } finally {
    await sql.end();
    await stack.stop();
  }
}

async function measureLarge(stack: BenchStack, sql: Sql, count: number, rounds: number) {
  const ours: number[] = [];
  const peers: number[] = [];
  const healthMs: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    await emptyUsers(sql);
    const health = watchHealth(stack);
    const seconds = await createByMuster(stack, sql, { count, name: `many${round}` });
    healthMs.push(...(await health.stop()));
    const peer = await createByCopy(sql, count);
    ours.push(seconds);
    peers.push(peer);
    console.log(`  round ${round}: Muster ${seconds.toFixed(2)} s, COPY ${peer.toFixed(2)} s`);
  }
  return { ours, peers, healthMs };
}

/** The last round's users are still there. */
async function cleanUpLast(stack: BenchStack, sql: Sql): Promise<void> {
  const [row] = await sql<{ batch: string }[]>`select test_batch_id as batch from users limit 1`;
  await preparePeers(sql);
  reportCleanup([await measureCleanup(stack, sql, row?.batch ?? '')]);
}

async function measureSmall(stack: BenchStack, sql: Sql): Promise<number[]> {
  await emptyUsers(sql);
  const seconds: number[] = [];
  for (let round = 0; round <= smallRounds; round++) {
    const took = await createByMuster(stack, sql, { count: smallCount, name: `small${round}` });
    if (round > 0) seconds.push(took);
  }
  return seconds;
}

/** Asks for the API's health twenty times a second; gives the times of the answers, in milliseconds. */
function watchHealth({ apiUrl }: BenchStack) {
  const stopping = new AbortController();
  const times: number[] = [];
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const startedAt = performance.now();
      const response = await fetch(`${apiUrl}/api/health`);
      await response.arrayBuffer();
      times.push(performance.now() - startedAt);
      await sleep(50, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
      return times;
    },
  };
}

interface Figures {
  count: number;
  ours: number[];
  peers: number[];
  healthMs: number[];
  small: number[];
  rssOfFew: number | undefined;
  rssOfMany: number | undefined;
}

function report({ count, ours, peers, healthMs, small, rssOfFew, rssOfMany }: Figures): void {
  const ratios = ours.map((seconds, round) => seconds / (peers[round] ?? Number.NaN));
  const p99 = healthMs.toSorted((a, b) => a - b)[Math.floor(healthMs.length * 0.99)] ?? Number.NaN;
  console.log(
    `Muster, submit to done    ${show(spreadOf(ours), ' s')}, ${Math.round(count / spreadOf(ours).median)} users a second`,
  );
  console.log(`COPY of the same rows     ${show(spreadOf(peers), ' s')}`);
  console.log(`ratio Muster / COPY       ${show(spreadOf(ratios))}, wanted: at most 1.0`);
  console.log(`1,000 users               ${show(spreadOf(small), ' s', 3)}, wanted: under 0.5 s`);
  console.log(
    `GET /api/health meanwhile p99 ${p99.toFixed(1)} ms of ${healthMs.length} answers, wanted: under 100 ms`,
  );
  if (rssOfFew === undefined || rssOfMany === undefined) return;
  console.log(
    `peak memory of a worker   ${mib(rssOfFew)} after ${few} users, ${mib(rssOfMany)} after ${count}`,
  );
}

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

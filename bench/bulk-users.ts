import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import postgres, { type Sql } from 'postgres';
import { z } from 'zod';
import { sleep } from '../shared/kernel/time.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { show, spreadOf } from './statistics.ts';

const columns =
  'username, email, password_hash, role, custom_attributes, is_test_user, test_batch_id, created_by_bulk';
const jobSchema = z.object({ id: z.string(), status: z.string(), finished_at: z.string().nullable() });

/**
 * Users created through the API, from the request to the job's end as a client sees it, against COPY of the same
 * rows by one session into an equal table with equal indexes and constraints. Both tables are empty before each run,
 * and a checkpoint is made, so that neither pays for the other.
 */
export async function benchBulkUsers(count = 100_000, rounds = 5): Promise<void> {
  const stack = await startBenchStack();
  const sql = postgres(stack.applicationUrl, { max: 1, onnotice: () => {} });
  try {
    await makeCopyTable(sql);
    console.log(
      `${count} users, 2 workers, ${rounds} rounds after one that is not counted; peer: COPY by one session`,
    );
    const ours: number[] = [];
    const peers: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      await emptyUsers(sql);
      const seconds = await createByMuster(stack, sql, { count, name: `bench${round}` });
      const peerSeconds = await createByCopy(sql, count);
      if (round === 0) continue;
      ours.push(seconds);
      peers.push(peerSeconds);
      console.log(`  round ${round}: Muster ${seconds.toFixed(2)} s, COPY ${peerSeconds.toFixed(2)} s`);
    }
    await report(stack, count, ours, peers);
  } finally {
    await sql.end();
    await stack.stop();
  }
}

async function report(stack: BenchStack, count: number, ours: number[], peers: number[]): Promise<void> {
  const ratios = ours.map((seconds, round) => seconds / (peers[round] ?? Number.NaN));
  const rows = Math.round(count / spreadOf(ours).median);
  const rss = await stack.peakWorkerRssBytes();
  console.log(`Muster, submit to done   ${show(spreadOf(ours), ' s')}, ${rows} users a second`);
  console.log(`COPY of the same rows    ${show(spreadOf(peers), ' s')}`);
  console.log(`ratio Muster / COPY      ${show(spreadOf(ratios))}`);
  if (rss !== undefined) console.log(`peak memory of a worker  ${Math.round(rss / 2 ** 20)} MiB`);
}

/**
 * Seconds from the request to the job's end, as a client sees it who polls, less and less often: the time is found at most
 * a hundredth too long, and the API has little to answer besides.
 */
export async function createByMuster(
  stack: BenchStack,
  sql: Sql,
  { count, name }: { count: number; name: string },
): Promise<number> {
  const startedAt = performance.now();
  const job = await call(stack, 'POST', '/api/bulk-users/create', {
    count,
    config: { username_pattern: `${name}_{id}@example.com` },
  });
  for (;;) {
    const { status, finished_at } = await call(stack, 'GET', `/api/jobs/${job.id}`);
    if (finished_at === null) {
      await sleep(Math.max(10, (performance.now() - startedAt) / 100));
      continue;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const [row] = await sql<{ users: number }[]>`
      select count(*)::int as users from users where username like ${`${name}\\_%`}`;
    if (status !== 'succeeded' || row?.users !== count)
      throw new Error(`The job ${status} with ${row?.users} users`);
    return seconds;
  }
}

/** An equal table with equal indexes and constraints, without foreign keys, triggers and policies. */
export const makeCopyTable = async (sql: Sql): Promise<void> => {
  await sql`create table users_by_copy (like users including all)`;
};

/** So that neither of two runs pays for the other. */
export async function emptyUsers(sql: Sql): Promise<void> {
  await sql`truncate users cascade`;
  await sql`checkpoint`;
}

/** COPY of all users into the equal table. The rows are read before the clock starts, and come from memory. */
export async function createByCopy(sql: Sql, count: number): Promise<number> {
  const rows: Buffer[] = [];
  for await (const part of await sql.unsafe(`copy users (${columns}) to stdout`).readable()) rows.push(part);
  await sql`truncate users_by_copy`;
  await sql`checkpoint`;
  const startedAt = performance.now();
  await pipeline(
    Readable.from(rows),
    await sql.unsafe(`copy users_by_copy (${columns}) from stdin`).writable(),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const [row] = await sql<{ users: number }[]>`select count(*)::int as users from users_by_copy`;
  if (row?.users !== count) throw new Error(`COPY made ${row?.users} users`);
  return seconds;
}

async function call({ apiUrl, apiKey }: BenchStack, method: string, path: string, body?: object) {
  const response = await fetch(apiUrl + path, {
    method,
    headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return jobSchema.parse(JSON.parse(text));
}

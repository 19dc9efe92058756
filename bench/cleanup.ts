import postgres, { type Sql } from 'postgres';
import { z } from 'zod';
import { sleep } from '../shared/kernel/time.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { show, spreadOf } from './statistics.ts';

const jobSchema = z.object({
  id: z.string(),
  status: z.string(),
  finished_at: z.string().nullable(),
  result: z.object({ batch_id: z.uuid().optional(), deleted_count: z.int().optional() }).nullable(),
});
type Job = z.infer<typeof jobSchema>;

/** Seconds of one cleanup of the same rows, in three ways. */
export interface CleanupSeconds {
  /** Muster, from the request to the job's end as a client sees it. */
  muster: number;
  /** `delete ... where test_batch_id` by the owner, on an equal table with equal foreign keys to it, without guards. */
  plain: number;
  /** The same on a table to which nothing refers. */
  bare: number;
}

/** Tables that refer to users, as the storefront has them, and what they do when a user goes. */
const children = [
  ['sessions', 'cascade'],
  ['carts', 'restrict'],
  ['orders', 'restrict'],
] as const;

/** Makes the tables of the peers; once a database. */
export async function preparePeers(sql: Sql): Promise<void> {
  await sql`create table users_plain (like users including all)`;
  await sql`create table users_bare (like users including all)`;
  for (const [name, action] of children) {
    await sql.unsafe(`create table plain_${name} (like ${name} including all)`);
    await sql.unsafe(
      `alter table plain_${name} add foreign key (user_id) references users_plain on delete ${action}`,
    );
  }
}

/** Cleans a batch up, and the same users in the peers' tables before. */
export async function measureCleanup(stack: BenchStack, sql: Sql, batchId: string): Promise<CleanupSeconds> {
  for (const table of ['users_plain', 'users_bare']) {
    await sql.unsafe(`truncate ${table} cascade`);
    await sql.unsafe(`insert into ${table} select * from users where test_batch_id = '${batchId}'`);
    await sql.unsafe(`vacuum analyze ${table}`);
  }
  await sql`vacuum analyze users`;
  const plain = await timed(sql, () => sql`delete from users_plain where test_batch_id = ${batchId}`);
  const bare = await timed(sql, () => sql`delete from users_bare where test_batch_id = ${batchId}`);
  const muster = await timed(sql, async () => {
    const { status } = await ended(stack, await call(stack, 'DELETE', `/api/bulk-users/batches/${batchId}`));
    if (status !== 'succeeded') throw new Error(`The cleanup ${status}`);
  });
  const [row] = await sql<
    { users: number }[]
  >`select count(*)::int as users from users where test_batch_id = ${batchId}`;
  if (row?.users !== 0) throw new Error(`${row?.users} users are left`);
  return { muster, plain, bare };
}

async function timed(sql: Sql, work: () => PromiseLike<unknown>): Promise<number> {
  await sql`checkpoint`;
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

export function reportCleanup(rounds: CleanupSeconds[]): void {
  const ratio = (peer: 'plain' | 'bare') => show(spreadOf(rounds.map(round => round.muster / round[peer])));
  console.log(`cleanup by Muster              ${show(spreadOf(rounds.map(({ muster }) => muster)), ' s')}`);
  console.log(`plain delete, equal keys to it ${show(spreadOf(rounds.map(({ plain }) => plain)), ' s')}`);
  console.log(`plain delete, nothing refers   ${show(spreadOf(rounds.map(({ bare }) => bare)), ' s')}`);
  console.log(
    `ratio Muster / plain delete    ${ratio('plain')} (equal keys), ${ratio('bare')} (nothing refers)`,
  );
}

/** `npm run bench -- cleanup [COUNT] [ROUNDS]` */
export async function benchCleanup(count = 100_000, rounds = 3): Promise<void> {
  const stack = await startBenchStack();
  const sql = postgres(stack.applicationUrl, { max: 1, onnotice: () => {} });
  try {
    await preparePeers(sql);
    console.log(`cleanup of ${count} users, 2 workers, ${rounds} rounds after one that is not counted`);
    const measured: CleanupSeconds[] = [];
    for (let round = 0; round <= rounds; round++) {
      const config = { username_pattern: `cleanup${round}_{id}@example.com` };
      const made = await ended(stack, await call(stack, 'POST', '/api/bulk-users/create', { count, config }));
      const seconds = await measureCleanup(stack, sql, made.result?.batch_id ?? '');
      if (round > 0) measured.push(seconds);
    }
    reportCleanup(measured);
  } finally {
    await sql.end();
    await stack.stop();
  }
}

async function ended(stack: BenchStack, { id }: Job): Promise<Job> {
  for (;;) {
    const job = await call(stack, 'GET', `/api/jobs/${id}`);
    if (job.finished_at !== null) return job;
    await sleep(10);
  }
}

async function call(
  { apiUrl, apiKey }: BenchStack,
  method: string,
  path: string,
  body?: object,
): Promise<Job> {
  const response = await fetch(apiUrl + path, {
    method,
    headers: { 'X-API-Key': apiKey, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return jobSchema.parse(JSON.parse(text));
}

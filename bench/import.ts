import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import got from 'got';
import postgres, { type Sql } from 'postgres';
import { memoryGrowthMiB } from './process-memory.ts';
import { type BenchStack, startBenchStack } from './stack.ts';

const batchId = '0198f000-0000-7000-8000-000000000001';
const columns =
  'username, email, role, is_test_user, test_batch_id, custom_attributes, sealed_password, source_id, status';

/**
 * Import and export of many users through the API, each in one request: how fast, against COPY of the same accounts by
 * one session into an equal table, and by how much the memory of the api rises. A small round of everything comes
 * first and is not counted.
 */
export async function benchImport(count = 1_000_000): Promise<void> {
  const stack = await startBenchStack();
  const platform = postgres(stack.platformUrl, { max: 1, onnotice: () => {} });
  const application = postgres(stack.applicationUrl, { max: 1, onnotice: () => {} });
  try {
    await round({ stack, platform, application, count: 10_000, say: () => {} });
    await round({ stack, platform, application, count, say: console.log });
    await copyPeer(platform, count);
  } finally {
    await platform.end();
    await application.end();
    await stack.stop();
  }
}

interface Round {
  stack: BenchStack;
  platform: Sql;
  application: Sql;
  count: number;
  say: (line: string) => void;
}

async function round({ stack, platform, application, count, say }: Round): Promise<void> {
  const api = await stack.apiPid();
  const measure = async (what: string, work: () => Promise<void>) => {
    await platform`checkpoint`;
    let seconds = 0;
    const growth = await memoryGrowthMiB(api, async () => {
      const startedAt = performance.now();
      await work();
      seconds = (performance.now() - startedAt) / 1000;
    });
    const rate = Math.round(count / seconds).toLocaleString('en');
    say(
      `${what.padEnd(34)} ${seconds.toFixed(1).padStart(6)} s ${rate.padStart(9)} users/s  api +${Math.round(growth)} MiB`,
    );
  };
  await platform`truncate accounts cascade`;
  await fillApplication(application, count);
  await measure('import of NDJSON, all new', () => send(stack, ndjson(count), 'application/x-ndjson', count));
  await measure('import of NDJSON, none changed', () =>
    send(stack, ndjson(count), 'application/x-ndjson', count),
  );
  await measure('import of a JSON document', () => send(stack, document(count), 'application/json', count));
  for (const side of ['bulk-users', 'users']) {
    for (const format of ['json', 'ndjson', 'csv']) {
      await measure(`export of ${side} as ${format}`, () =>
        receive(stack, `/api/${side}/export?format=${format}`),
      );
    }
    await measure(`export of ${side}, zstd`, () =>
      receive(stack, `/api/${side}/export?format=ndjson`, 'zstd'),
    );
  }
}

async function fillApplication(sql: Sql, count: number): Promise<void> {
  await sql`truncate users cascade`;
  await sql`
    insert into users (username, email, password_hash, is_test_user, test_batch_id, created_by_bulk, custom_attributes)
    select 'load_' || n || '@example.com', 'load_' || n || '@example.com', 'x', true, ${batchId}, true, '{"plan": "pro"}'
    from generate_series(1, ${count}::int) n`;
}

const userLine = (index: number): string =>
  JSON.stringify({
    id: `0198f000-0000-7000-8000-${String(index).padStart(12, '0')}`,
    username: `load_${index}@example.com`,
    email: `load_${index}@example.com`,
    role: 'user',
    is_test_user: true,
    test_batch_id: batchId,
    custom_attributes: { plan: 'pro' },
    created_at: '2026-01-31T12:00:00.000Z',
    updated_at: '2026-01-31T12:00:00.000Z',
    password: 'TestPass123!',
  });

/** Users of one piece of the stream. */
const pieceSize = 500;

function* pieces(count: number, separator: string): Generator<string[]> {
  for (let first = 1; first <= count; first += pieceSize) {
    const length = Math.min(pieceSize, count - first + 1);
    yield Array.from({ length }, (_, offset) => userLine(first + offset) + separator);
  }
}

function* ndjson(count: number): Generator<string> {
  for (const lines of pieces(count, '\n')) yield lines.join('');
}

function* document(count: number): Generator<string> {
  yield '{"users":[';
  let isFirst = true;
  for (const lines of pieces(count, '')) {
    yield (isFirst ? '' : ',') + lines.join(',');
    isFirst = false;
  }
  yield `],"total_count":${count}}`;
}

async function send({ apiUrl, apiKey }: BenchStack, body: Iterable<string>, type: string, count: number) {
  const headers = { 'X-API-Key': apiKey, 'Content-Type': type };
  const result = await got
    .post(`${apiUrl}/api/users/import`, { headers, body: Readable.from(body), retry: { limit: 0 } })
    .json<{ synced_count: number }>();
  if (result.synced_count !== count) throw new Error(`Imported ${result.synced_count} of ${count}`);
}

async function receive({ apiUrl, apiKey }: BenchStack, path: string, encoding = 'identity'): Promise<void> {
  const headers = { 'X-API-Key': apiKey, 'Accept-Encoding': encoding };
  let bytes = 0;
  for await (const piece of got.stream(apiUrl + path, { headers, decompress: false })) bytes += piece.length;
  if (bytes === 0) throw new Error('The export was empty');
}

/** The rows are read before the clock starts, and come from memory. */
async function copyPeer(sql: Sql, count: number): Promise<void> {
  await sql`create table accounts_by_copy (like accounts including all)`;
  const rows: Buffer[] = [];
  for await (const part of await sql.unsafe(`copy accounts (${columns}) to stdout`).readable())
    rows.push(part);
  await sql`checkpoint`;
  const startedAt = performance.now();
  await pipeline(
    Readable.from(rows),
    await sql.unsafe(`copy accounts_by_copy (${columns}) from stdin`).writable(),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${'COPY of the accounts, one session'.padEnd(34)} ${seconds.toFixed(1).padStart(6)} s ${Math.round(count / seconds)} users/s`,
  );
}

import { FlowProducer, PostgresConnection, Queue, SchemaMigrationRequiredError } from 'bullmq';
import { AppError } from '../../kernel/errors.ts';
import { BullWorker } from './bull-worker.ts';
import { SharedPostgresBackend, SharedPostgresConnection } from './postgres-sharing.ts';
import type { BullQueue, JobState, QueueBackend, QueueBackendOptions } from './seam.ts';
import { jobStates } from './seam.ts';
import { answered, logStoreErrors } from './store-errors.ts';

const answerTimeoutMs = 5000;
const hint = 'Is DATABASE_URL right, and is Postgres up?';

/**
 * BullMQ on Postgres, for an installation without Redis. Every queue and worker of the process shares one pool and one
 * LISTEN connection: by itself BullMQ opens a pool for each of them.
 */
export async function openPostgresBackend(options: QueueBackendOptions): Promise<QueueBackend> {
  const { databaseUrl, prefix, name, logger } = options;
  const onError = logStoreErrors(logger);
  const connection = openConnection(databaseUrl, prefix, name);
  connection.on('error', onError);
  try {
    await answered(connection.waitUntilReady(), answerTimeoutMs, hint);
  } catch (error) {
    await connection.close();
    throw unprepared(error, prefix);
  }
  const clockSkewMs = await measureSkew(connection);
  const backend = (queue: string, settings: object) => new SharedPostgresBackend(connection, queue, settings);
  const unused = { connection: {} }; // BullMQ wants one; the factory has it

  return {
    name,
    kind: 'postgres',
    logger,
    clockSkewMs,
    openQueue: queue => new Queue(queue, unused, backend).on('error', onError),
    openWorker: (queue, processor, settings) =>
      new BullWorker(queue, processor, { ...settings, ...unused }, backend),
    openFlowProducer: () => new FlowProducer(unused, backend).on('error', onError),
    states: (queue, jobIds) => askStates(connection, queue, jobIds),
    ping: async () => {
      await answered(connection.pool.query('select 1'), answerTimeoutMs, hint);
    },
    stop: () => connection.close(),
  };
}

const openConnection = (connectionString: string, schema: string, name: string) =>
  new SharedPostgresConnection({
    connectionString,
    schema,
    max: 4,
    connectionTimeoutMillis: answerTimeoutMs,
    keepAlive: true,
    application_name: `${name}:queue`,
  });

function unprepared(error: unknown, prefix: string): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof SchemaMigrationRequiredError)) return error;
  return new AppError('dependency_unavailable', `The queue has no schema "${prefix}" in this database`, {
    hint: 'Run the migrations (npm run migrate).',
    cause,
  });
}

async function measureSkew({ pool }: SharedPostgresConnection): Promise<number> {
  const before = Date.now();
  const { rows } = await pool.query<{ now: string }>(
    'select extract(epoch from clock_timestamp()) * 1000 as now',
  );
  return Number(rows[0]?.now) - (before + Date.now()) / 2;
}

/** BullMQ asks for one job at a time; a reconciler has thousands. */
async function askStates(
  { pool }: SharedPostgresConnection,
  queue: BullQueue,
  jobIds: readonly string[],
): Promise<Map<string, JobState>> {
  const { rows } = await pool.query<{ id: string; state: string }>(
    'select id, state::text from job where queue = $1 and id = any ($2::text[])',
    [queue.name, jobIds],
  );
  const found = new Map<string, JobState>();
  for (const { id, state } of rows) {
    const known = jobStates.find(name => name === state);
    if (known !== undefined) found.set(id, known);
  }
  return found;
}

/** Creates BullMQ's schema or brings it up to date. BullMQ serialises this by an advisory lock. */
export async function preparePostgresStore(databaseUrl: string, prefix: string): Promise<string[]> {
  const connection = new PostgresConnection({
    connectionString: databaseUrl,
    schema: prefix,
    migrate: true,
    max: 1,
    connectionTimeoutMillis: answerTimeoutMs,
    options: '-c client_min_messages=warning',
  });
  try {
    await answered(connection.waitUntilReady(), 60_000, hint);
  } finally {
    await connection.close();
  }
  return [];
}

import { z } from 'zod';
import { type PageDeps, runPage } from '../services/worker/features/deadline-notifications/run-page.ts';
import { notificationSettings } from '../services/worker/features/deadline-notifications/settings.ts';
import type { Channel } from '../shared/contracts/deadline-notifications.ts';
import { newId } from '../shared/kernel/ids.ts';
import { loadConfig } from '../shared/platform/config.ts';
import { createLogger } from '../shared/platform/log.ts';
import { openDatabase } from '../shared/platform/postgres/db.ts';
import {
  type PageKey,
  type RunState,
  readRun,
} from '../shared/store/deadline-notifications/notification-pages.ts';
import { asOf } from './notification-data.ts';
import { memoryGrowthMiB } from './process-memory.ts';

export const workerReport = z.object({
  seconds: z.number(),
  offices: z.number(),
  messages: z.number(),
  readQueries: z.number(),
  totalQueries: z.number(),
  /** By the driver's own count: statements by their first words. */
  statements: z.record(z.string(), z.number()),
  /** By how much resident memory rose at most above what it was when the run began, by the kernel's own mark. */
  memoryGrowthMb: z.number(),
  /** Messages that were sent before. */
  warmUp: z.number(),
});
export type WorkerReport = z.infer<typeof workerReport>;

export interface WorkerOptions {
  dryRun: boolean;
  smtpUrl: string;
  channels: Channel[];
}

/**
 * One worker's part of a run in this process, all pages one after the other; for a process of its own, so that its
 * memory is not another one's. The same for one office goes before, which is not counted: code is loaded and compiled then.
 */
export async function runAlone(applicationUrl: string, options: WorkerOptions): Promise<WorkerReport> {
  const statements = new Map<string, number>();
  const database = openDatabase(applicationUrl, {
    name: 'bench',
    maxConnections: 6,
    onStatement: statement => {
      const name = statement.trim().replaceAll(/\s+/g, ' ').slice(0, 60);
      statements.set(name, (statements.get(name) ?? 0) + 1);
    },
  });
  const { sql } = database;
  const config = loadConfig({
    NODE_ENV: 'test',
    MUSTER_ENCRYPTION_KEY: '0'.repeat(64),
    SMTP_URL: options.smtpUrl,
    PUSH_ALLOWLIST: 'localhost',
  });
  const deps: PageDeps = {
    applicationDatabase: database,
    notifications: notificationSettings(config),
    logger: createLogger('bench', { level: 'warn' }),
    workerName: 'bench',
  };
  const [first] = await sql<{ id: string }[]>`select id from offices where is_active limit 1`;
  const warmUp = await readRun(database.db, {
    runId: await runPages(deps, options, [first?.id ?? '']),
    run: 0,
  });
  await sql`truncate muster.notification_ledger`;
  statements.clear();
  const startedAt = performance.now();
  let runId = '';
  const memoryGrowthMb = await memoryGrowthMiB('self', async () => {
    runId = await runPages(deps, options, null);
  });
  const state = await readRun(database.db, { runId, run: 0 });
  const seconds = (performance.now() - startedAt) / 1000;
  await database.stop();
  return {
    seconds,
    offices: state.totals.offices,
    messages: messagesOf(state),
    readQueries: state.totals.read_queries,
    totalQueries: state.totals.total_queries + 1,
    statements: Object.fromEntries(statements),
    memoryGrowthMb,
    warmUp: options.dryRun ? 0 : messagesOf(warmUp),
  };
}

const messagesOf = ({ deliveries }: RunState): number =>
  deliveries.reduce((sum, { count }) => sum + count, 0);

async function runPages(
  deps: PageDeps,
  { dryRun, channels }: WorkerOptions,
  officeIds: string[] | null,
): Promise<string> {
  const runId = newId();
  const pages: PageKey[] = [{ runId, run: 0, pageIndex: 0 }];
  for (let key = pages.shift(); key !== undefined; key = pages.shift()) {
    await runPage(deps, {
      key,
      run: {
        as_of: asOf,
        dry_run: dryRun,
        channels,
        office_concurrency: 10,
        message_concurrency: 5,
        office_ids: officeIds,
      },
      signal: new AbortController().signal,
      onNext: async next => void pages.push(next),
    });
  }
  return runId;
}

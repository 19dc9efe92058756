import { type LoadTestResult, peakUsersOf } from '../../../../../shared/contracts/load-tests.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import { appendLoadEvents } from '../../../../../shared/store/load-tests/load-events.ts';
import { type LoadShardRow, markDegraded } from '../../../../../shared/store/load-tests/load-shards.ts';
import { startWithReady } from '../../../../../shared/store/load-tests/load-shards-conducted.ts';
import type { LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';
import { noShard } from './phase.ts';

/** The last shard that is ready sets the start. Beyond this the others do not wait for it. */
const waitForAllMs = 10_000;
/** Beyond this nobody waits. */
const waitForAnyMs = 60_000;

/** Accounts are logged in before the start; a target that hashes their passwords takes its time. */
const loginAllowanceMs = { once: 10_000, each: 100, most: 600_000 };

function allowanceFor(config: LoadTestRow['config']): number {
  if (config.user_pool === undefined || config.user_pool.login === null) return 0;
  const { once, each, most } = loginAllowanceMs;
  return Math.min(most, once + each * peakUsersOf(config));
}

/**
 * Starts a test whose start is not set with the shards that are ready, once the others are late.
 * @returns how the test has ended, when no shard is ever ready
 */
export async function startLate(
  tx: Executor,
  { id, control, config }: LoadTestRow,
  shards: LoadShardRow[],
  waitedMs: number,
): Promise<{ status: 'failed'; reason: NonNullable<LoadTestResult['reason']> } | undefined> {
  const allowanceMs = allowanceFor(config);
  const waitsForAllMs = waitForAllMs + allowanceMs;
  if (control.stop !== null || waitedMs < waitsForAllMs) return undefined;
  if (await startWithReady(tx, id)) {
    await markDegraded(tx, id);
    const late = shards.filter(({ status }) => status !== 'ready');
    const events = late.map(({ shard, worker }) => ({
      type: 'shard_late' as const,
      shard,
      message: `${worker} was not ready after ${waitsForAllMs / 1000} s: the others start without it`,
    }));
    await appendLoadEvents(tx, id, events);
    return undefined;
  }
  return waitedMs > waitForAnyMs + allowanceMs ? { status: 'failed', reason: noShard } : undefined;
}

import type { LoadTestResult } from '../../../../shared/contracts/load-tests.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import { appendLoadEvents } from '../../../../shared/store/load-events.ts';
import { type LoadShardRow, markDegraded, startWithReady } from '../../../../shared/store/load-shards.ts';
import type { LoadTestRow } from '../../../../shared/store/load-tests.ts';
import { noShard } from './phase.ts';

/** The last shard that is ready sets the start. Beyond this the others do not wait for it. */
const waitForAllMs = 10_000;
/** Beyond this nobody waits. */
const waitForAnyMs = 60_000;

/**
 * Starts a test whose start is not set with the shards that are ready, once the others are late.
 * @returns how the test has ended, when no shard is ever ready
 */
export async function startLate(
  tx: Executor,
  { id, control }: LoadTestRow,
  shards: LoadShardRow[],
  waitedMs: number,
): Promise<{ status: 'failed'; reason: NonNullable<LoadTestResult['reason']> } | undefined> {
  if (control.stop !== null || waitedMs < waitForAllMs) return undefined;
  if (await startWithReady(tx, id)) {
    await markDegraded(tx, id);
    const late = shards.filter(({ status }) => status !== 'ready');
    const events = late.map(({ shard, worker }) => ({
      type: 'shard_late' as const,
      shard,
      message: `${worker} was not ready after ${waitForAllMs / 1000} s: the others start without it`,
    }));
    await appendLoadEvents(tx, id, events);
    return undefined;
  }
  return waitedMs > waitForAnyMs ? { status: 'failed', reason: noShard } : undefined;
}

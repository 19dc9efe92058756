import type { TimelinePoint } from '../../../../shared/contracts/load-tests.ts';
import { judge } from '../../../../shared/contracts/threshold-judge.ts';
import type { Db, Executor } from '../../../../shared/platform/db.ts';
import { saveTimeline } from '../../../../shared/store/load-results.ts';
import {
  asConductor,
  type HeldRun,
  type RunLease,
  saveRun,
  saveShardRequests,
} from '../../../../shared/store/load-runs.ts';
import { type LoadShardRow, listShards, markLostShards } from '../../../../shared/store/load-shards.ts';
import type { LoadTestRow } from '../../../../shared/store/load-tests.ts';
import { deleteTicks } from '../../../../shared/store/load-ticks.ts';
import { createEnforcer } from './enforce.ts';
import { startLate } from './late-start.ts';
import { catchUp, readNews, readPoints } from './news.ts';
import { conclude, isOver, statusOf } from './phase.ts';
import { createTally } from './tally.ts';

export interface PassOptions {
  db: Db;
  lease: RunLease;
  test: LoadTestRow;
  /** Whether leases that have run out mean that their workers went silent. */
  mayJudgeLeases: () => boolean;
}

export interface PassOutcome {
  test: LoadTestRow;
  /** Of the run; null while its start is not set. */
  elapsedMs: number | null;
}

/**
 * Makes the round of a conductor whose test has its shards: reads what they reported, and writes in one transaction
 * what follows from it: timeline, metrics, thresholds, limits, the status, and in the end how the test has ended.
 */
export function createPass({ db, lease, test: { id, config }, mayJudgeLeases }: PassOptions) {
  const tally = createTally(config);
  const enforce = createEnforcer(tally.recent);
  let startedAt: number | undefined;

  async function write(
    tx: Executor,
    run: HeldRun,
    { shards, points }: { shards: LoadShardRow[]; points: TimelinePoint[] },
  ): Promise<LoadTestRow> {
    if (mayJudgeLeases()) await markLostShards(tx, id);
    await saveTimeline(tx, id, points);
    await saveShardRequests(tx, id, tally.requestsByShard());
    const measured = tally.measure(shards);
    const { metrics, endpoints } = measured;
    const thresholds = config.thresholds.map(threshold => judge(threshold, measured));
    const news = { metrics, endpoints, thresholds };
    const waitedMs = performance.now() - (startedAt ?? performance.now());
    const failure = run.elapsedMs === null ? await startLate(tx, run.test, shards, waitedMs) : undefined;
    if (failure === undefined && !isOver(run, shards)) {
      const reason = await enforce(tx, run.test, measured, thresholds);
      const status = reason === undefined ? statusOf(run) : 'stopping';
      return saveRun(tx, run.test, { ...news, status, ...(reason && { reason }) });
    }
    await deleteTicks(tx, id);
    const conclusion = failure ?? conclude(run.test, thresholds, metrics.http_reqs.count);
    return saveRun(tx, run.test, { ...news, ...conclusion });
  }

  return async (): Promise<PassOutcome> => {
    const shards = await listShards(db, id); // before the ticks: a shard that has ended has written all of its own
    await (startedAt === undefined ? catchUp : readNews)(db, id, tally, shards);
    startedAt ??= performance.now();
    const seconds = tally.unsettled();
    const points = await readPoints(db, id, seconds);
    const outcome = await asConductor(db, lease, async (tx, run) => ({
      test: await write(tx, run, { shards, points }),
      elapsedMs: run.elapsedMs,
    }));
    tally.settle(seconds);
    return outcome;
  };
}

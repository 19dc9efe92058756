import type { TimelinePoint } from '../../../../../shared/contracts/load-metrics.ts';
import type { ThresholdResult } from '../../../../../shared/contracts/load-tests.ts';
import { judge, type Measured } from '../../../../../shared/contracts/threshold-judge.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import { appendLoadEvents } from '../../../../../shared/store/load-tests/load-events.ts';
import { saveTimeline } from '../../../../../shared/store/load-tests/load-results.ts';
import {
  asConductor,
  type HeldRun,
  type RunLease,
  type RunNews,
  readRun,
  saveInterrupted,
  saveRun,
  saveShardRequests,
} from '../../../../../shared/store/load-tests/load-runs.ts';
import { type LoadShardRow, markDegraded } from '../../../../../shared/store/load-tests/load-shards.ts';
import { listShards, markLostShards } from '../../../../../shared/store/load-tests/load-shards-conducted.ts';
import type { LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';
import type { LoadTestsDeps } from '../deps.ts';
import { createEnforcer } from './enforce.ts';
import { countInterrupted, type Interrupted, sumOrNull } from './interrupted.ts';
import { startLate } from './late-start.ts';
import { catchUp, readNews, readPoints } from './news.ts';
import { conclude, isOver, statusOf } from './phase.ts';
import { createTally } from './tally.ts';

export interface PassOptions extends Pick<LoadTestsDeps, 'db' | 'sendJournals' | 'logger'> {
  lease: RunLease;
  test: LoadTestRow;
  /** Whether leases that have run out mean that their workers went silent. */
  mayJudgeLeases: () => boolean;
}

export interface PassOutcome {
  test: LoadTestRow;
  /** Milliseconds since the start of the test; null while no start is set. */
  elapsedMs: number | null;
}

/** What a pass has read and worked out before it takes the test's row, so that this is held for writing alone. */
interface Findings {
  shards: LoadShardRow[];
  points: TimelinePoint[];
  measured: Measured;
  thresholds: ThresholdResult[];
  /** Undefined while the run goes on. */
  interrupted: Interrupted[] | undefined;
}

/**
 * Makes the round of a conductor whose test has its shards: reads what they reported, and writes in one transaction
 * what follows from it: timeline, metrics, thresholds, limits, the status, and in the end how the test has ended.
 */
export function createPass(options: PassOptions) {
  const { db, lease, mayJudgeLeases } = options;
  const { id, config, plannedRun } = options.test;
  const tally = createTally(config);
  const enforce = createEnforcer(tally.recent);
  let startedAt: number | undefined;
  /** When this conductor first saw the order to stop (`performance.now()`). */
  let stoppingAt: number | undefined;
  const stoppingMs = () => performance.now() - (stoppingAt ?? performance.now());

  async function write(tx: Executor, run: HeldRun, findings: Findings): Promise<LoadTestRow> {
    const { shards, points, measured, thresholds, interrupted } = findings;
    if (mayJudgeLeases()) await markLostShards(tx, id);
    await saveTimeline(tx, id, points);
    await saveShardRequests(tx, id, tally.requestsByShard());
    if (run.test.control.stop !== null) stoppingAt ??= performance.now();
    const waitedMs = performance.now() - (startedAt ?? performance.now());
    const failure = run.elapsedMs === null ? await startLate(tx, run.test, shards, waitedMs) : undefined;
    if (failure === undefined && (interrupted === undefined || !isOver(run, shards, stoppingMs()))) {
      const reason = await enforce(tx, run.test, measured, thresholds);
      const status = reason === undefined ? statusOf(run) : 'stopping';
      return saveRun(tx, run.test, { ...newsOf(findings), status, ...(reason && { reason }) });
    }
    if (failure === undefined) await noteNeverEnded(tx, id, shards);
    const [requests, coverage] = [measured.metrics.http_reqs.count, tally.coverageOf(shards)];
    const conclusion = failure ?? conclude(run.test, { thresholds, requests, coverage });
    await saveInterrupted(tx, id, interrupted ?? []);
    return saveRun(tx, run.test, { ...newsOf(findings), ...conclusion });
  }

  return async (): Promise<PassOutcome> => {
    const shards = await listShards(db, id); // before the ticks: a shard that has ended has written all of its own
    await (startedAt === undefined ? catchUp : readNews)(db, id, tally, shards);
    startedAt ??= performance.now();
    const seconds = tally.unsettled();
    const points = await readPoints(db, id, seconds);
    const run = await readRun(db, id);
    const measured = tally.measure(shards, run);
    const thresholds = config.thresholds.map(threshold => judge(threshold, measured));
    const interrupted = isOver(run, shards, stoppingMs())
      ? await countInterrupted(options, { testId: id, run: plannedRun }, shards, tally)
      : undefined;
    const outcome = await asConductor(db, lease, async (tx, held) => ({
      test: await write(tx, held, { shards, points, measured, thresholds, interrupted }),
      elapsedMs: held.elapsedMs,
    }));
    tally.settle(seconds);
    return outcome;
  };
}

function newsOf({ measured: { metrics, endpoints }, thresholds, interrupted }: Findings): RunNews {
  if (interrupted === undefined) return { metrics, endpoints, thresholds };
  const all = sumOrNull(interrupted.map(of => of.interrupted));
  return { metrics: { ...metrics, http_reqs_interrupted: all }, endpoints, thresholds };
}

/** A run is concluded over the heads of shards that never end; what these have not written is lost. */
async function noteNeverEnded(tx: Executor, testId: string, shards: LoadShardRow[]): Promise<void> {
  const open = shards.filter(({ status }) => status !== 'ended' && status !== 'lost');
  if (open.length === 0) return;
  await markDegraded(tx, testId);
  const events = open.map(({ shard, worker }) => ({
    type: 'shard_lost' as const,
    shard,
    message: `${worker} has not ended its shard: nobody waits for it any longer`,
  }));
  await appendLoadEvents(tx, testId, events);
}

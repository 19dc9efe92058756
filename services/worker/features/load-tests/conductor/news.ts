import type { TimelinePoint } from '../../../../../shared/contracts/load-metrics.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import { readLastSecond } from '../../../../../shared/store/load-tests/load-results.ts';
import type { LoadShardRow } from '../../../../../shared/store/load-tests/load-shards.ts';
import { readTicks, readTicksOfSeconds } from '../../../../../shared/store/load-tests/load-ticks.ts';
import { deltaOf } from '../stored-delta.ts';
import { createBreather } from './breather.ts';
import { pointOf } from './measure.ts';
import type { Tally } from './tally.ts';

/** Ticks of one shard in one query. */
const pageSize = 500;
/** A conductor that takes over writes the last seconds of the timeline anew: so many, as a tick may be so late. */
const settledAfterSeconds = 120;

/** Adds every tick that the tally has not read. */
export async function readNews(
  db: Executor,
  testId: string,
  tally: Tally,
  shards: Pick<LoadShardRow, 'shard'>[],
): Promise<void> {
  for (;;) {
    const ticks = await readTicks(db, { testId, cursors: tally.cursorsOf(shards), limit: pageSize });
    await tally.add(ticks);
    if (ticks.length < pageSize) return;
  }
}

/** For a conductor that takes over: the sum of all there is, and of the timeline only what may not be written yet. */
export async function catchUp(
  db: Executor,
  testId: string,
  tally: Tally,
  shards: Pick<LoadShardRow, 'shard'>[],
): Promise<void> {
  await readNews(db, testId, tally, shards);
  const settledBefore = (await readLastSecond(db, testId)) - settledAfterSeconds;
  tally.settle(tally.unsettled().filter(second => second < settledBefore));
}

/** The points of these seconds, from everything that was reported of them. */
export async function readPoints(db: Executor, testId: string, seconds: number[]): Promise<TimelinePoint[]> {
  const ticks = await readTicksOfSeconds(db, testId, seconds);
  const points: TimelinePoint[] = [];
  const breathe = createBreather();
  for (const [second, ofSecond] of Map.groupBy(ticks, tick => tick.second)) {
    const reports = ofSecond.map(({ shard, delta }) => ({ shard, delta: deltaOf(delta) }));
    points.push(pointOf(second, reports));
    await breathe();
  }
  return points;
}

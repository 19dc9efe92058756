import type { LoadTestConfig } from '../../../../../shared/contracts/load-tests.ts';
import type { Measured } from '../../../../../shared/contracts/threshold-judge.ts';
import type { HeldRun } from '../../../../../shared/store/load-tests/load-runs.ts';
import type { LoadShardRow } from '../../../../../shared/store/load-tests/load-shards.ts';
import type { Tick, TickCursor } from '../../../../../shared/store/load-tests/load-ticks.ts';
import { addDelta, createTotals } from '../engine/merge.ts';
import { scheduleMsOf } from '../plan-of.ts';
import { deltaOf } from '../stored-delta.ts';
import { createBreather } from './breather.ts';
import { createRecent, type Recent } from './limits.ts';
import { measure, sumOf } from './measure.ts';
import type { Coverage } from './phase.ts';

/** What a conductor knows of a run: the sum of all ticks, and how far it has read. Its size does not grow with the run. */
export interface Tally {
  /** Lets the process do other work in between: a conductor that takes over has the ticks of the whole run to add. */
  add(ticks: Tick[]): Promise<void>;
  cursorsOf(shards: Pick<LoadShardRow, 'shard'>[]): TickCursor[];
  readonly recent: Recent;
  /** Seconds of which something new was read since they were last written. */
  unsettled(): number[];
  settle(seconds: number[]): void;
  requestsByShard(): { shard: number; requests: number }[];
  /** Undefined when nothing was reported under that lease. */
  leaseOf(shard: number, epoch: number): LeaseTally | undefined;
  /** @param run where the schedule stands: load that nobody reported of is missing from the rates */
  measure(shards: Pick<LoadShardRow, 'shard' | 'status'>[], run: HeldRun): Measured;
  coverageOf(shards: Pick<LoadShardRow, 'shard'>[]): Coverage;
}

/** What a worker told of its requests while it had a shard. */
export interface LeaseTally {
  started: number;
  /** Requests that were started and had not ended at its last tick: they are in no figure yet. */
  underWay: number;
  /** Whether its engine has ended, so that `underWay` will not change any more. */
  isComplete: boolean;
}

interface ShardTally {
  cursor: TickCursor;
  requests: number;
  vus: number;
  /** The same before its engine ended; undefined where that is all that was reported. */
  lastVus: number | undefined;
  /** The most that it ever had: another conductor finds the same in the ticks. */
  vusMax: number;
  /** The last second of the schedule that it went through, and how many they are. */
  second: number;
  covered: number;
  /** One entry for each epoch under which a worker had the shard. */
  leases: Map<number, LeaseTally>;
}

/** A tick that is not there after so many seconds is late; its second may be one in which nothing was sent. */
const lateSeconds = 3;
/** How much a shard may fail to report without being short: a busy machine skips a second now and then. */
const mayMiss = { seconds: 2, share: 0.05 };

export function createTally(config: LoadTestConfig): Tally {
  const totals = createTotals();
  const recent = createRecent();
  const unsettled = new Set<number>();
  const shards = new Map<number, ShardTally>();
  const scheduleSeconds = scheduleMsOf(config) / 1000;
  const wholeSeconds = Math.max(1, Math.floor(scheduleSeconds));
  /** The last second in which a request began. */
  let lastStarted = -1;
  let loadSeconds = 0;

  function add({ shard, epoch, seq, second, delta: stored }: Tick): void {
    const delta = deltaOf(stored);
    addDelta(totals, delta);
    const requests = sumOf(Object.values(delta.endpoints), endpoint => endpoint.requests);
    const failed = sumOf(Object.values(delta.endpoints), endpoint => endpoint.failed);
    recent.note(second, { requests, failed });
    if (delta.started > 0) lastStarted = Math.max(lastStarted, second);
    unsettled.add(second);
    const before = shards.get(shard);
    const ofSchedule = Math.min(second, wholeSeconds - 1);
    const leases = before?.leases ?? new Map<number, LeaseTally>();
    leases.set(epoch, {
      started: (leases.get(epoch)?.started ?? 0) + delta.started,
      underWay: delta.underWay,
      isComplete: delta.isLast === true,
    });
    const isNew = delta.cutOff !== true && ofSchedule > (before?.second ?? -1);
    shards.set(shard, {
      second: isNew ? ofSchedule : (before?.second ?? -1),
      covered: (before?.covered ?? 0) + (isNew ? 1 : 0),
      cursor: { shard, epoch, seq },
      requests: (before?.requests ?? 0) + requests,
      vus: delta.vus,
      lastVus: delta.isLast === true ? before?.lastVus : delta.vus,
      vusMax: Math.max(before?.vusMax ?? 0, delta.vusMax),
      leases,
    });
  }

  /** Null as long as a shard runs that has not said it. */
  function lastVusOf(rows: Pick<LoadShardRow, 'shard' | 'status'>[]): number | null {
    const counts = rows
      .filter(({ status }) => status === 'running' || status === 'ended')
      .map(row => ({ ...row, vus: shards.get(row.shard)?.lastVus }));
    if (counts.some(({ status, vus }) => status === 'running' && vus === undefined)) return null;
    const known = counts.flatMap(({ vus }) => vus ?? []);
    return known.length === 0 ? null : sumOf(known, vus => vus);
  }

  return {
    async add(ticks) {
      const breathe = createBreather();
      for (const tick of ticks) {
        add(tick);
        await breathe();
      }
    },
    cursorsOf: rows => rows.map(({ shard }) => shards.get(shard)?.cursor ?? { shard, epoch: 0, seq: -1 }),
    recent,
    unsettled: () => [...unsettled],
    settle(seconds) {
      for (const second of seconds) unsettled.delete(second);
    },
    requestsByShard: () => [...shards].map(([shard, { requests }]) => ({ shard, requests })),
    leaseOf: (shard, epoch) => shards.get(shard)?.leases.get(epoch),
    measure(rows, { test, elapsedMs }) {
      const live = rows
        .filter(({ status }) => status === 'running')
        .flatMap(row => shards.get(row.shard) ?? []);
      const vusMax = sumOf([...shards.values()], shard => shard.vusMax);
      // After a stop, engines still report while they wait for their last answers: that is no load.
      const isStopped = test.control.stop !== null;
      const reportedSeconds = 1 + (isStopped ? lastStarted : recent.latest());
      const dueSeconds = isStopped ? 0 : Math.floor((elapsedMs ?? 0) / 1000) - lateSeconds;
      loadSeconds = Math.max(loadSeconds, reportedSeconds, dueSeconds);
      const seconds = Math.min(scheduleSeconds, loadSeconds);
      return measure(totals, {
        vus: sumOf(live, shard => shard.vus),
        lastVus: lastVusOf(rows),
        vusMax,
        seconds,
      });
    },
    coverageOf(rows) {
      const covered = rows.map(({ shard }) => shards.get(shard)?.covered ?? 0);
      const tolerated = Math.max(mayMiss.seconds, mayMiss.share * wholeSeconds);
      return {
        share: sumOf(covered, seconds => seconds) / Math.max(1, rows.length * wholeSeconds),
        isShort: covered.some(seconds => wholeSeconds - seconds > tolerated),
      };
    },
  };
}

import type { LoadTestConfig } from '../../../../shared/contracts/load-tests.ts';
import type { Measured } from '../../../../shared/contracts/threshold-judge.ts';
import type { LoadShardRow } from '../../../../shared/store/load-shards.ts';
import type { Tick, TickCursor } from '../../../../shared/store/load-ticks.ts';
import { addDelta, createTotals } from './engine/merge.ts';
import { createRecent, type Recent } from './limits.ts';
import { measure, sumOf } from './measure.ts';
import { scheduleMsOf } from './plan-of.ts';
import { deltaOf } from './stored-delta.ts';

/** What a conductor knows of a run: the sum of all ticks, and how far it has read. Its size does not grow with the run. */
export interface Tally {
  add(ticks: Tick[]): void;
  cursorsOf(shards: Pick<LoadShardRow, 'shard'>[]): TickCursor[];
  readonly recent: Recent;
  /** Seconds of which something new was read since they were last written. */
  unsettled(): number[];
  settle(seconds: number[]): void;
  requestsByShard(): { shard: number; requests: number }[];
  measure(shards: Pick<LoadShardRow, 'shard' | 'status'>[]): Measured;
}

interface ShardTally {
  cursor: TickCursor;
  requests: number;
  vus: number;
  /** The most that it ever had: another conductor finds the same in the ticks. */
  vusMax: number;
}

export function createTally(config: LoadTestConfig): Tally {
  const totals = createTotals();
  const recent = createRecent();
  const unsettled = new Set<number>();
  const shards = new Map<number, ShardTally>();
  const scheduleSeconds = scheduleMsOf(config) / 1000;

  function add({ shard, epoch, seq, second, delta: stored }: Tick): void {
    const delta = deltaOf(stored);
    addDelta(totals, delta);
    const requests = sumOf(Object.values(delta.endpoints), endpoint => endpoint.requests);
    const failed = sumOf(Object.values(delta.endpoints), endpoint => endpoint.failed);
    recent.note(second, { requests, failed });
    unsettled.add(second);
    const before = shards.get(shard);
    shards.set(shard, {
      cursor: { shard, epoch, seq },
      requests: (before?.requests ?? 0) + requests,
      vus: delta.vus,
      vusMax: Math.max(before?.vusMax ?? 0, delta.vusMax),
    });
  }

  return {
    add(ticks) {
      for (const tick of ticks) add(tick);
    },
    cursorsOf: rows => rows.map(({ shard }) => shards.get(shard)?.cursor ?? { shard, epoch: 0, seq: -1 }),
    recent,
    unsettled: () => [...unsettled],
    settle(seconds) {
      for (const second of seconds) unsettled.delete(second);
    },
    requestsByShard: () => [...shards].map(([shard, { requests }]) => ({ shard, requests })),
    measure(rows) {
      const live = rows
        .filter(({ status }) => status === 'running')
        .flatMap(row => shards.get(row.shard) ?? []);
      const vusMax = sumOf([...shards.values()], shard => shard.vusMax);
      const seconds = Math.min(scheduleSeconds, recent.latest() + 1);
      return measure(totals, { vus: sumOf(live, shard => shard.vus), vusMax, seconds });
    },
  };
}

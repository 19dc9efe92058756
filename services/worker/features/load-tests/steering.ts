import { type ShardOrders, shardLeaseMs } from '../../../../shared/store/load-shards.ts';
import type { EngineThread } from './engine-host.ts';
import { engineControlOf } from './plan-of.ts';

/** A little before the lease runs out: no two workers that each believe to hold a shard send for it. */
const pauseAfterMs = shardLeaseMs - 500;
const endAfterMs = 60_000;

export interface Steering {
  /** Follows what is in force; called at least every second while Postgres can be reached. */
  follow(orders: ShardOrders): void;
  /** Says how long Postgres has not been heard of. */
  cutOff(silentMs: number): void;
  /** No new requests; those under way may complete. */
  stop(): void;
  abort(): void;
}

/**
 * Makes an engine do what the control row says: start at the run's instant, or later when it may, follow changes, stop. Cut off from
 * Postgres it sends nothing from the moment that its lease may have run out, and goes on when it hears that the lease
 * is still its own; after a minute it ends.
 */
export function steer(
  engine: EngineThread,
  { mayStart, onStarted }: { mayStart: () => boolean; onStarted: () => void },
): Steering {
  let orders: ShardOrders | undefined;
  let isCutOff = false;
  let isStarted = false;

  function stop(): void {
    if (isStarted) engine.stop();
    else engine.abort();
  }

  function applyControl(): void {
    if (orders === undefined) return;
    const control = engineControlOf(orders.control);
    engine.control({ ...control, paused: orders.control.paused || isCutOff });
  }

  function startIn(delayMs: number): void {
    if (isStarted || !mayStart()) return;
    isStarted = true;
    engine.start(-delayMs);
    onStarted();
  }

  return {
    follow(news) {
      const isNew = orders?.controlVersion !== news.controlVersion || isCutOff;
      orders = news;
      isCutOff = false;
      if (news.finished || news.control.stop === 'emergency') return engine.abort();
      if (isNew) applyControl();
      if (news.control.stop === 'graceful') return stop();
      if (news.startInMs !== null) startIn(news.startInMs);
    },
    cutOff(silentMs) {
      if (silentMs > endAfterMs) return engine.abort();
      if (silentMs <= pauseAfterMs || isCutOff) return;
      isCutOff = true;
      applyControl();
    },
    stop,
    abort: () => engine.abort(),
  };
}

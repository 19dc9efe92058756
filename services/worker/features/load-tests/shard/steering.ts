import { type ShardOrders, shardLeaseMs } from '../../../../../shared/store/load-tests/load-shards.ts';
import type { EngineEvent } from '../engine/delta.ts';
import { engineControlOf } from '../plan-of.ts';
import type { EngineThread } from './engine-host.ts';
import type { SendFence } from './send-fence.ts';

/** A little before the lease runs out: no two workers that each believe to hold a shard send for it. */
const pauseAfterMs = shardLeaseMs - 500;
const endAfterMs = 60_000;

export interface Steering {
  /** Whether the engine was told to send nothing because Postgres is away. */
  readonly isCutOff: boolean;
  /** Whether it was ended for that, before its time. */
  readonly hasGivenUp: boolean;
  /**
   * Follows what is in force; called at least every second while Postgres can be reached.
   * @param askedAt when Postgres was asked for it (`performance.now()`): the lease is good from then on at least
   */
  follow(orders: ShardOrders, askedAt: number): void;
  /** Says how long Postgres has not been heard of. */
  cutOff(silentMs: number): void;
  /** No new requests; those under way may complete. */
  stop(): void;
  abort(): void;
}

export interface SteeringOptions {
  /** Keeps the engine from sending, should nothing here come to tell it so. */
  fence: SendFence;
  mayStart: () => boolean;
  onStarted: () => void;
  /** Takes what belongs into the log of the run. */
  note: (event: EngineEvent) => void;
}

/**
 * Makes an engine do what the control row says: start at the run's instant, or later when it may, follow changes, stop. Cut off from
 * Postgres it sends nothing from the moment that its lease may have run out, and goes on when it hears that the lease
 * is still its own; after a minute it ends, so that the shard can be handed over.
 */
export function steer(engine: EngineThread, options: SteeringOptions): Steering {
  const { fence, mayStart, onStarted, note } = options;
  let orders: ShardOrders | undefined;
  /** Since when Postgres has been silent (`performance.now()`); undefined while the engine is not cut off. */
  let silentSince: number | undefined;
  let heardAt = performance.now();
  let hasGivenUp = false;
  let isStarted = false;
  let zeroAt = Number.POSITIVE_INFINITY;
  const isCutOff = () => silentSince !== undefined;

  function stop(): void {
    if (isStarted) engine.stop();
    else engine.abort();
  }

  function applyControl(): void {
    if (orders === undefined) return;
    const control = engineControlOf(orders.control);
    engine.control({ ...control, paused: orders.control.paused || isCutOff() });
  }

  function noteLoad(type: 'shard_cut_off' | 'shard_back', message: string): void {
    if (isStarted) note({ atMs: performance.now() - zeroAt, type, message });
  }

  function cutOff(silentMs: number): void {
    silentSince = performance.now() - silentMs;
    applyControl();
    const text = `Out of touch with Postgres for ${secondsOf(silentMs)}: no requests until it is heard of again`;
    noteLoad('shard_cut_off', text);
  }

  function reconnect(): void {
    if (silentSince === undefined) return;
    const silentMs = performance.now() - silentSince;
    silentSince = undefined;
    noteLoad('shard_back', `Postgres is heard of again after ${secondsOf(silentMs)}: the load goes on`);
  }

  function startIn(delayMs: number): void {
    if (isStarted || !mayStart()) return;
    isStarted = true;
    zeroAt = performance.now() + delayMs;
    engine.start(-delayMs);
    onStarted();
  }

  return {
    get isCutOff() {
      return isCutOff();
    },
    get hasGivenUp() {
      return hasGivenUp;
    },
    follow(news, askedAt) {
      const wasOpen = fence.open(askedAt + pauseAfterMs);
      if (isStarted && !isCutOff() && !wasOpen) cutOff(performance.now() - heardAt); // this thread was held up
      heardAt = performance.now();
      const isNew = orders?.controlVersion !== news.controlVersion || isCutOff();
      orders = news;
      reconnect();
      if (news.finished || news.control.stop === 'emergency') return engine.abort();
      if (isNew) applyControl();
      if (news.control.stop === 'graceful') return stop();
      if (news.startInMs !== null) startIn(news.startInMs);
    },
    cutOff(silentMs) {
      if (silentMs > pauseAfterMs && !isCutOff()) cutOff(silentMs);
      if (silentMs <= endAfterMs) return;
      hasGivenUp = true;
      engine.abort();
    },
    stop,
    abort: () => engine.abort(),
  };
}

const secondsOf = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

import type { ErrorKind } from '../../../../../shared/kernel/request-error-kinds.ts';

/**
 * What an engine has measured since it was last asked: counters to be added up and histograms to be merged, so that
 * any number of deltas, of any number of engines, in any order, make one exact total.
 */
export interface Delta {
  /** Ascending from 0 within one engine's life. */
  seq: number;
  /** The second of the run, from its start, that these figures belong to. */
  second: number;
  /** Virtual users at the end of the interval: those that run (open model: have a request), and all that exist. */
  vus: number;
  vusMax: number;
  /** Arrivals that no virtual user was free for. */
  droppedIterations: number;
  /** Requests written to a socket in this interval. */
  started: number;
  /**
   * Of those and of all before them, how many are in no `requests` at the end of this interval: they are in a later
   * one, or, if this is the last, in none: a stop has cut them off.
   */
  underWay: number;
  /** The engine's last one; absent from all others. Who has died has none. */
  isLast?: boolean;
  endpoints: Record<string, EndpointDelta>;
  errorSamples: ErrorSample[];
  events: EngineEvent[];
  health: EngineHealth;
  /** Its worker, cut off from Postgres, kept it from sending; absent where it did not. */
  cutOff?: boolean;
  /** Logins of the engine's users, which its worker does for it and adds; absent where there were none. */
  logins?: LoginDelta;
}

export interface LoginDelta {
  /** Tried; each ends well or badly. */
  count: number;
  failed: number;
  /** Durations of the logins that succeeded, microseconds: a histogram, encoded like `serviceTime`. */
  duration: string;
  durationSumUs: number;
}

export interface EndpointDelta {
  /** Requests that ended, well or badly; what a stop cut off is in `started` only. Each hop of a redirect is one. */
  requests: number;
  failed: number;
  errors: Partial<Record<ErrorKind, number>>;
  /** Whole answers by status code. */
  statuses: Record<string, number>;
  /** Heads and bodies; neither TLS nor the framing of chunks. */
  bytesReceived: number;
  bytesSent: number;
  /**
   * Request written to answer complete, microseconds: a compressed HDR histogram, base64. A request that timed out is in it
   * with the time that it waited; others without a whole answer are not.
   */
  serviceTime: string;
  /**
   * Intended start to answer complete: with the wait for a connection, its opening, and in an open model how late the
   * request began. In it are also those that got no connection in time.
   */
  responseTime: string;
  /** Sum of service times in microseconds, for an exact average. */
  serviceTimeSumUs: number;
}

export interface ErrorSample {
  /** Milliseconds since the start of the run. */
  atMs: number;
  endpoint: string;
  kind: ErrorKind;
  status?: number;
  message: string;
  username?: string;
}

export interface EngineEvent {
  atMs: number;
  /**
   * `generator_saturated` comes from who reads several deltas (`saturation-watch.ts`), `shard_cut_off` and `shard_back`
   * from who steers the engine (`steering.ts`). `control`: a change was refused.
   */
  type:
    | 'control'
    | 'breaker_opened'
    | 'breaker_closed'
    | 'generator_saturated'
    | 'shard_cut_off'
    | 'shard_back';
  message: string;
}

export interface EngineHealth {
  /** 99th percentile of the event loop's delay in this interval. */
  loopDelayP99Ms: number;
  /** Share of one core that the engine's thread used, 0 to 1. */
  cpu: number;
  /** Whether the generator, not the target, limits the load. */
  saturated: boolean;
}

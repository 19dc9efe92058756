/**
 * What an engine is asked to do: a whole run, and this engine's share of it. Plain values, so that a plan can be
 * sent to a thread. All times are milliseconds unless the name says otherwise; all totals are those of the whole run.
 */
export interface EnginePlan {
  /** Scheme, host and port of the target; every endpoint's URL is relative to it or has the same origin. */
  origin: string;
  /** Host names and CIDRs that may be connected to (`shared/kernel/allowlist.ts`), checked on the resolved address. */
  allowlist: string[];
  endpoints: EngineEndpoint[];
  executor: Executor;
  /** Pause of a virtual user between an answer and its next request: uniform between the two. */
  thinkTime: { minMs: number; maxMs: number };
  /** Which part of the run is this engine's: virtual users and arrivals `k` with `k mod count = index`. */
  share: { index: number; count: number };
  /** Connections of this engine at most. */
  maxConnections: number;
  /** Sent as `user-agent`. */
  userAgent: string;
  breaker?: { consecutiveErrors: number; pauseMs: number };
  /** Seeds the choices, so that a run can be repeated. */
  seed: number;
  /** How long requests that are under way at the end may take to complete. */
  gracefulStopMs: number;
  /** Whether samples of errors are kept. */
  keepErrorSamples: boolean;
}

export interface EngineEndpoint {
  name: string;
  /** Path with query, or a URL of the plan's origin. */
  url: string;
  method: string;
  /** Relative; 0 is never chosen. */
  weight: number;
  timeoutMs: number;
  headers?: Record<string, string>;
  body?: string;
  /** What an answer must be, besides its status, not to count as an `application` error. */
  checks?: { bodyContains?: string };
}

export interface Stage {
  durationMs: number;
  target: number;
}

/** How much load over time; the names and meanings are k6's. One file each, in `executors/`, implements them. */
export type Executor = ConstantVus | RampingVus | ConstantArrivalRate | RampingArrivalRate;

export interface ConstantVus {
  type: 'constant-vus';
  vus: number;
  durationMs: number;
}

export interface RampingVus {
  type: 'ramping-vus';
  startVus: number;
  stages: Stage[];
}

export interface ConstantArrivalRate {
  type: 'constant-arrival-rate';
  /** Arrivals per time unit. */
  rate: number;
  timeUnitMs: number;
  durationMs: number;
  maxVus: number;
}

export interface RampingArrivalRate {
  type: 'ramping-arrival-rate';
  startRate: number;
  timeUnitMs: number;
  /** Targets are arrivals per time unit. */
  stages: Stage[];
  maxVus: number;
}

/** What can be changed while an engine runs; what is absent stays as it is. Totals are those of the whole run. */
export interface EngineControl {
  paused?: boolean;
  /** Overrides what the executor asks for; null gives it back to the executor. */
  vus?: number | null;
  /** Arrivals per time unit; null gives it back to the executor. */
  rate?: number | null;
  /** Multiplies users or rate: 1 is all, 0.5 half (load reduction). */
  loadFactor?: number;
  weights?: Record<string, number>;
  thinkTime?: { minMs: number; maxMs: number };
}

/** What one virtual user sends with its requests: the session of its account. */
export interface EngineAccount {
  /** The account's name, for error samples. */
  username: string;
  headers: Record<string, string>;
}

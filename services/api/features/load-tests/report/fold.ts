import {
  type ErrorKind,
  errorKinds,
  type TimelinePoint,
} from '../../../../../shared/contracts/load-metrics.ts';

/** A run over time, in at most some hundreds of steps of whole seconds: what its charts are drawn from. */
export interface Folded {
  /** Seconds of a step. */
  stepSeconds: number;
  /** From the start to the end of the last second, or of a gap after it. */
  spanSeconds: number;
  steps: Step[];
  /** Where no shard, or not every shard, reported. */
  gaps: { from: number; to: number }[];
}

/** Rates by second; percentiles in milliseconds, the highest of the step's seconds, since they cannot be averaged. */
export interface Step {
  second: number;
  requests: number;
  failed: number;
  errors: Partial<Record<ErrorKind, number>>;
  dropped: number;
  vus: number;
  med: number | null;
  p95: number | null;
  p99: number | null;
  responseP95: number | null;
}

const maxSteps = 600;

/**
 * Folds points as they come, in the order of their seconds, so that a long run is never in memory as a whole.
 * @param options `cutShortAt`: how long the run is so far, when it may end before its schedule, because it was stopped or is not
 *   over: a day that was stopped after a minute has steps of a second
 */
export function createFold(plannedSeconds: number, { cutShortAt }: { cutShortAt?: number } = {}) {
  const stepSeconds = Math.max(
    1,
    Math.ceil(Math.min(plannedSeconds, cutShortAt ?? plannedSeconds) / maxSteps),
  );
  const presence: Presence[] = [];
  const steps: Step[] = [];
  let group: TimelinePoint[] = [];
  const stepOf = (point: TimelinePoint | undefined) => Math.floor((point?.second ?? 0) / stepSeconds);

  function closeStep(): void {
    if (group.length > 0) steps.push(toStep(stepOf(group[0]) * stepSeconds, group));
    group = [];
  }
  return {
    add(point: TimelinePoint): void {
      if (stepOf(point) !== stepOf(group[0])) closeStep();
      group.push(point);
      presence.push({ second: point.second, shards: point.shards });
    },
    end(): Folded {
      closeStep();
      const measured = (presence.at(-1)?.second ?? 0) + 1;
      const gaps = [
        ...gapsOf(presence, plannedSeconds),
        ...(cutShortAt !== undefined || presence.length === 0 ? [] : gapAtEnd(measured, plannedSeconds)),
      ];
      return { stepSeconds, spanSeconds: Math.max(measured, gaps.at(-1)?.to ?? 0), steps, gaps };
    },
  };
}

type Presence = Pick<TimelinePoint, 'second' | 'shards'>;

function toStep(second: number, points: TimelinePoint[]): Step {
  const rate = (of: (point: TimelinePoint) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const highest = (of: (point: TimelinePoint) => number | null | undefined): number | null => {
    const values = points.flatMap(point => of(point) ?? []);
    return values.length === 0 ? null : Math.max(...values);
  };
  const present = errorKinds.filter(kind => points.some(({ errors }) => (errors[kind] ?? 0) > 0));
  return {
    second,
    requests: rate(point => point.requests),
    failed: rate(point => point.failed),
    errors: Object.fromEntries(present.map(kind => [kind, rate(({ errors }) => errors[kind] ?? 0)])),
    dropped: rate(point => point.dropped_iterations),
    vus: highest(point => point.vus) ?? 0,
    med: highest(point => point.http_req_duration?.med),
    p95: highest(point => point.http_req_duration?.['p(95)']),
    p99: highest(point => point.http_req_duration?.['p(99)']),
    responseP95: highest(point => point.http_req_response_time?.['p(95)']),
  };
}

/**
 * Seconds of the schedule that are missing or short of shards. What comes after it is answers that were waited for, and
 * shards that are stopped end within a second of each other: neither is a gap.
 */
function gapsOf(presence: readonly Presence[], plannedSeconds: number): Folded['gaps'] {
  const most = presence.reduce((shards, point) => Math.max(shards, point.shards), 0);
  const last = presence.at(-1)?.second ?? 0;
  const full = presence.filter(({ second, shards }) => shards === most || second === last);
  const gaps: Folded['gaps'] = [];
  let expected = 0;
  for (const { second } of full) {
    const to = Math.min(second, Math.ceil(plannedSeconds));
    if (to > expected) gaps.push({ from: expected, to });
    expected = second + 1;
  }
  return gaps;
}

/** Of a run that nobody stopped: the seconds after its last one. The part of a second at the end is often in the one before. */
const gapAtEnd = (measured: number, plannedSeconds: number): Folded['gaps'] =>
  measured < Math.floor(plannedSeconds) ? [{ from: measured, to: Math.ceil(plannedSeconds) }] : [];

import { build, type Histogram } from 'hdr-histogram-js';

/** How long answers took lately, in this process. */
export interface ResponseTimes {
  record(seconds: number): void;
  /** The 95th percentile of the last five minutes, in seconds; undefined while there was nothing. */
  p95(): number | undefined;
}

const minuteMs = 60_000;
const minutes = 5;

interface Minute {
  at: number;
  times: Histogram;
}

/** One histogram a minute, in milliseconds to two digits; the oldest makes room, so memory stands still. */
export function createResponseTimes(now: () => number = Date.now): ResponseTimes {
  let kept: Minute[] = [];
  const current = () => Math.floor(now() / minuteMs);

  function minuteOf(at: number): Minute {
    const newest = kept.at(-1);
    if (newest?.at === at) return newest;
    const minute = {
      at,
      times: build({ highestTrackableValue: 3_600_000, numberOfSignificantValueDigits: 2 }),
    };
    kept = [...kept.filter(({ at: other }) => other > at - minutes), minute];
    return minute;
  }

  return {
    record(seconds) {
      minuteOf(current()).times.recordValue(Math.min(3_600_000, Math.round(seconds * 1000)));
    },
    p95() {
      const recent = kept.filter(({ at }) => at > current() - minutes);
      const all = build({ highestTrackableValue: 3_600_000, numberOfSignificantValueDigits: 2 });
      for (const { times } of recent) all.add(times);
      return all.totalCount === 0 ? undefined : all.getValueAtPercentile(95) / 1000;
    },
  };
}

/** The time of the run, as one engine sees it: milliseconds since its start, negative before. */
export interface RunClock {
  begin(elapsedMs: number): void;
  elapsedMs(): number;
}

export function createRunClock(): RunClock {
  let zeroAt = Number.POSITIVE_INFINITY;
  return {
    begin(elapsedMs) {
      zeroAt = performance.now() - elapsedMs;
    },
    elapsedMs: () => performance.now() - zeroAt,
  };
}

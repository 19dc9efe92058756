import { isLoggedIn, type LoginOutcome } from '../../../../../shared/platform/target/login-client.ts';
import type { LoginDelta } from '../engine/delta.ts';
import { LatencyRecorder } from '../engine/latency-histogram.ts';

/** Logins of a shard's users, counted from one tick to the next: apart from the load that the engine measures. */
export interface LoginRecorder {
  note(outcome: LoginOutcome): void;
  drain(): LoginDelta;
}

export function createLoginRecorder(): LoginRecorder {
  const duration = new LatencyRecorder();
  let count = 0;
  let failed = 0;
  return {
    note(outcome) {
      count++;
      if (isLoggedIn(outcome)) duration.record(Math.round(outcome.ms * 1000));
      else failed++;
    },
    drain() {
      const { sumUs: durationSumUs } = duration;
      const delta = { count, failed, durationSumUs, duration: duration.drain() };
      count = 0;
      failed = 0;
      return delta;
    },
  };
}

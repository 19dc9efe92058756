import type { LoadTestConfig } from '../../../../shared/contracts/load-tests.ts';
import { isArrivalRate, type LoadTestBody } from '../../../../shared/http/load-test-rules.ts';

/** How much load over time. */
export type LoadShape = Pick<
  LoadTestConfig,
  'executor' | 'concurrent_users' | 'duration_seconds' | 'stages' | 'rate' | 'time_unit_seconds'
>;

const defaultMinutes = 30;
const defaultUsers = { 'constant-vus': 10, 'ramping-vus': 1 };

/** What of a request it is made of. */
type ShapeRequest = Pick<
  LoadTestBody,
  'executor' | 'concurrent_users' | 'duration' | 'duration_minutes' | 'stages' | 'rate' | 'time_unit'
>;

/** @param maxUsers what a default may not pass */
export function settleShape(body: ShapeRequest, maxUsers: number): LoadShape {
  const { executor, stages = [], time_unit: time_unit_seconds } = body;
  const staged = stages.reduce((sum, { duration_seconds }) => sum + duration_seconds, 0);
  const asked = body.duration ?? Math.round((body.duration_minutes ?? defaultMinutes) * 60_000) / 1000;
  const rate = isArrivalRate(executor) ? (body.rate ?? 0) : null;
  const peak = Math.max(rate ?? 0, ...stages.map(({ target }) => target)) / time_unit_seconds;
  return {
    executor,
    stages,
    time_unit_seconds,
    rate,
    duration_seconds: stages.length > 0 ? staged : asked,
    concurrent_users: body.concurrent_users ?? Math.min(maxUsers, usersFor(executor, peak)),
  };
}

/** Of an arrival rate: enough for answers that take a second. */
function usersFor(executor: LoadTestConfig['executor'], peakPerSecond: number): number {
  if (executor === 'constant-vus' || executor === 'ramping-vus') return defaultUsers[executor];
  return Math.max(10, Math.ceil(peakPerSecond));
}

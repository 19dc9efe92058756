import { z } from 'zod';
import type { LoadTestConfig } from '../../../../shared/contracts/load-tests.ts';
import { pointerTo } from '../../../../shared/http/faults.ts';
import { loadTestFields } from '../../../../shared/http/load-test-request.ts';
import { isArrivalRate } from '../../../../shared/http/load-test-rules.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import { type LoadShape, settleShape } from './shape.ts';

/** The largest load test that anybody may ask for. */
export interface LoadLimits {
  /** `MAX_LOAD_USERS` */
  users: number;
  /** `MAX_LOAD_RATE`: requests a second. */
  ratePerSecond: number;
  /** `MAX_LOAD_DURATION_MINUTES` */
  durationSeconds: number;
}

const above = (path: (string | number)[], limit: number, unit: string): Fault => ({
  pointer: pointerTo(path),
  code: 'limit_exceeded',
  detail: `must be at most ${limit} ${unit}`,
});

/** The faults of a new test that asks for more than the limits allow. */
export function faultsOfLimits(
  limits: LoadLimits,
  shape: LoadShape,
  durationField: 'duration' | 'duration_minutes',
): Fault[] {
  const { executor, stages, concurrent_users, rate, duration_seconds, time_unit_seconds } = shape;
  const byRate = isArrivalRate(executor);
  const limit = byRate ? limits.ratePerSecond * time_unit_seconds : limits.users;
  const unit = byRate ? `per ${time_unit_seconds} s` : 'users';
  const duration = above([stages.length > 0 ? 'stages' : durationField], limits.durationSeconds, 'seconds');
  const inStages = stages.flatMap(({ target }, index) =>
    target > limit ? [above(['stages', index, 'target'], limit, unit)] : [],
  );
  return [
    ...faultsOfControlLimits(limits, { concurrent_users, rate }, shape),
    ...(duration_seconds > limits.durationSeconds ? [duration] : []),
    ...inStages,
  ];
}

/** The faults of a change to a running test that asks for more than the limits allow. */
export function faultsOfControlLimits(
  limits: LoadLimits,
  asked: { concurrent_users?: number | null | undefined; rate?: number | null | undefined },
  { time_unit_seconds }: Pick<LoadTestConfig, 'time_unit_seconds'>,
): Fault[] {
  const highestRate = limits.ratePerSecond * time_unit_seconds;
  return [
    ...((asked.concurrent_users ?? 0) > limits.users
      ? [above(['concurrent_users'], limits.users, 'users')]
      : []),
    ...((asked.rate ?? 0) > highestRate ? [above(['rate'], highestRate, `per ${time_unit_seconds} s`)] : []),
  ];
}

const { executor, concurrent_users, duration, duration_minutes, stages, rate, time_unit } = loadTestFields;
const shapeSchema = z.object({
  executor,
  concurrent_users,
  duration,
  duration_minutes,
  stages,
  rate,
  time_unit,
});

/** What of a body that is at fault elsewhere passes them all the same: as far as it says how much load there is to be. */
export function faultsOfSentLimits(limits: LoadLimits, body: unknown): Fault[] {
  const sent = shapeSchema.safeParse(body);
  if (!sent.success) return [];
  const { data } = sent;
  const field = data.duration_minutes === undefined ? 'duration' : 'duration_minutes';
  const faults = faultsOfLimits(limits, settleShape(data, limits.users), field);
  // Of what it does not name the default counts only with the rest of it.
  return faults.filter(({ pointer }) => Object.hasOwn(Object(body), pointer.split('/')[1] ?? ''));
}

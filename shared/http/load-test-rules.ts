import { z } from 'zod';
import { whenRight } from './field-rule.ts';
import { loadControlFields, loadTestFields } from './load-test-request.ts';

/** How the fields of a load test go together. What depends on the target or on settings is for the API to see. */
type Refuse = (path: PropertyKey[], code: string, message: string) => void;

const shape = z.strictObject(loadTestFields);
type Shape = z.output<typeof shape>;

/** The body of `POST /api/load-tests`. */
export const loadTestBody = shape
  .superRefine(rule(refuseWrongExecutor), whenRight('executor', 'stages', 'rate'))
  .superRefine(rule(refuseWrongDuration), whenRight('executor', 'duration', 'duration_minutes'))
  .superRefine(rule(refuseWrongInterval), whenRight('request_interval_min', 'request_interval_max'))
  .superRefine(rule(refuseTwins), whenRight('endpoints'))
  .meta({ id: 'LoadTestRequest' });
export type LoadTestBody = z.output<typeof loadTestBody>;

function rule(judge: (body: Shape, refuse: Refuse) => void) {
  return (body: Shape, context: z.core.$RefinementCtx<Shape>) =>
    judge(body, (path, code, message) =>
      context.addIssue({ code: 'custom', path, message, params: { code } }),
    );
}

export const isRamping = (executor: Shape['executor']): boolean => executor.startsWith('ramping-');
export const isArrivalRate = (executor: Shape['executor']): boolean => executor.endsWith('-arrival-rate');

function refuseWrongExecutor({ executor, stages, rate }: Shape, refuse: Refuse): void {
  if (isRamping(executor) && stages === undefined) {
    refuse(
      ['stages'],
      'required',
      `is required by ${executor}: such as [{ "duration": "30s", "target": 50 }]`,
    );
  }
  if (!isRamping(executor) && stages !== undefined) {
    refuse(['stages'], 'not_for_executor', `is for ramping executors, and this is ${executor}`);
  }
  if (executor === 'constant-arrival-rate' && rate === undefined) {
    refuse(['rate'], 'required', `is required by ${executor}: arrivals per time_unit`);
  }
  if (!isArrivalRate(executor) && rate !== undefined) {
    refuse(['rate'], 'not_for_executor', `is for the arrival-rate executors, and this is ${executor}`);
  }
}

function refuseWrongDuration({ executor, duration, duration_minutes }: Shape, refuse: Refuse): void {
  if (duration !== undefined && duration_minutes !== undefined) {
    refuse(['duration'], 'conflicting', 'and duration_minutes say the same: give one of them');
  }
  if (!isRamping(executor)) return;
  for (const [field, value] of Object.entries({ duration, duration_minutes })) {
    if (value !== undefined)
      refuse([field], 'not_for_executor', `is not for ${executor}: its stages say how long`);
  }
}

function refuseWrongInterval(body: Shape, refuse: Refuse): void {
  const { request_interval_min: min, request_interval_max: max } = body;
  if (min === undefined || max === undefined || min <= max) return;
  refuse(['request_interval_max'], 'too_small', `must be at least request_interval_min, which is ${min}`);
}

function refuseTwins({ endpoints = [] }: Shape, refuse: Refuse): void {
  const seen = new Set<string>();
  for (const [index, { name }] of endpoints.entries()) {
    if (seen.has(name))
      refuse(['endpoints', index, 'name'], 'duplicate', `is taken: "${name}" is there twice`);
    seen.add(name);
  }
}

/** The body of `PATCH /api/load-tests/{id}`. */
export const loadControlBody = z
  .strictObject(loadControlFields)
  .refine(body => Object.values(body).some(value => value !== undefined), {
    message: 'must name something to change',
    params: { code: 'required' },
  })
  .meta({ id: 'LoadTestControlRequest' });
export type LoadControlBody = z.output<typeof loadControlBody>;

import { refused } from '../../../../shared/http/faults.ts';
import { isArrivalRate, type LoadControlBody } from '../../../../shared/http/load-test-rules.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import type { LoadTestRow } from '../../../../shared/store/load-tests/load-tests.ts';
import { assertAccountsFor } from './accounts.ts';
import { faultsOfWeights } from './endpoints.ts';
import { faultsOfControlLimits, type LoadLimits } from './limits.ts';

/** Whether a running test can be changed like this. @throws AppError with all that keeps it from it */
export function assertFits(row: LoadTestRow, body: LoadControlBody, limits: LoadLimits): void {
  const { config, control } = row;
  const inForce = config.endpoints.map(({ name, weight }) => ({
    name,
    weight: control.endpoint_weights[name] ?? weight,
  }));
  const faults = [
    ...faultsOfExecutor(row, body),
    ...faultsOfControlLimits(limits, body, config),
    ...(body.endpoint_weights ? faultsOfWeights(inForce, body.endpoint_weights) : []),
    ...faultsOfInterval(row, body),
  ];
  if (faults.length > 0) throw refused(faults);
  assertAccountsFor(config, body.concurrent_users);
}

function faultsOfExecutor({ config: { executor } }: LoadTestRow, body: LoadControlBody): Fault[] {
  const field = isArrivalRate(executor) ? 'concurrent_users' : 'rate';
  if (body[field] === undefined) return [];
  return [
    { pointer: `/${field}`, code: 'not_for_executor', detail: `cannot change: this test is ${executor}` },
  ];
}

function faultsOfInterval({ control }: LoadTestRow, body: LoadControlBody): Fault[] {
  const { request_interval_min: min, request_interval_max: max } = { ...control, ...defined(body) };
  if (min <= max) return [];
  const pointer = body.request_interval_max === undefined ? '/request_interval_min' : '/request_interval_max';
  return [{ pointer, code: 'out_of_order', detail: `would make the interval ${min} to ${max} seconds` }];
}

const defined = ({ request_interval_min, request_interval_max }: LoadControlBody) => ({
  ...(request_interval_min !== undefined && { request_interval_min }),
  ...(request_interval_max !== undefined && { request_interval_max }),
});

import { validateHeaderName, validateHeaderValue } from 'node:http';
import { parseAllowlist } from '../../../../../shared/kernel/allowlist.ts';
import { type Fault, messageOf } from '../../../../../shared/kernel/errors.ts';
import { atLeast } from './executors/executor.ts';
import { factsOf } from './executors/kinds.ts';
import type { EngineEndpoint, EnginePlan } from './plan.ts';

/** Headers that the connection itself decides on. */
const reservedHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** Everything wrong with a plan, not just the first; an engine does not start with any. */
export function faultsOfPlan(plan: EnginePlan): Fault[] {
  const origin = originOf(plan.origin);
  return [
    ...(origin === undefined ? [fault('/origin', `"${plan.origin}" is not an http or https origin`)] : []),
    ...below('/allowlist', parseAllowlist(plan.allowlist).faults),
    ...below('/executor', factsOf(plan.executor).faults),
    ...thinkTimeFaults(plan.thinkTime),
    ...atLeast('/maxConnections', plan.maxConnections, 1),
    ...atLeast('/gracefulStopMs', plan.gracefulStopMs, 0, false),
    ...atLeast('/share/count', plan.share.count, plan.share.index + 1),
    ...plan.endpoints.flatMap((endpoint, index) =>
      below(`/endpoints/${index}`, endpointFaults(endpoint, origin)),
    ),
    ...nameFaults(plan.endpoints),
    ...(plan.endpoints.some(({ weight }) => weight > 0)
      ? []
      : [fault('/endpoints', 'no endpoint has a weight above 0')]),
  ];
}

export function thinkTimeFaults({ minMs, maxMs }: EnginePlan['thinkTime']): Fault[] {
  return [
    ...atLeast('/thinkTime/minMs', minMs, 0, false),
    ...atLeast('/thinkTime/maxMs', maxMs, Math.max(0, minMs), false),
  ];
}

function endpointFaults(endpoint: EngineEndpoint, origin: string | undefined): Fault[] {
  const { url, method, weight, timeoutMs, headers = {} } = endpoint;
  const faults = [...atLeast('/weight', weight, 0, false), ...atLeast('/timeoutMs', timeoutMs, 1, false)];
  if (origin !== undefined && URL.parse(url, origin)?.origin !== origin) {
    faults.push(fault('/url', `"${url}" is not a path, nor a URL of ${origin}`));
  }
  if (!/^[A-Za-z]+$/.test(method) || method.toUpperCase() === 'CONNECT') {
    faults.push(fault('/method', `"${method}" is not a method that can be sent`));
  }
  return [...faults, ...Object.entries(headers).flatMap(headerFaults)];
}

function headerFaults([name, value]: [string, string]): Fault[] {
  const pointer = `/headers/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (reservedHeaders.has(name.toLowerCase())) return [fault(pointer, 'is set by the engine')];
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return [];
  } catch (error) {
    return [fault(pointer, messageOf(error))];
  }
}

/** Figures are by name, so two of one name would be added up unseen. */
const nameFaults = (endpoints: readonly EngineEndpoint[]): Fault[] =>
  endpoints.flatMap(({ name }, index) =>
    endpoints.findIndex(other => other.name === name) < index
      ? [fault(`/endpoints/${index}/name`, `"${name}" is the name of another endpoint`)]
      : [],
  );

function originOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    return undefined;
  return url.origin;
}

const fault = (pointer: string, detail: string): Fault => ({ pointer, code: 'invalid', detail });

const below = (pointer: string, faults: readonly Fault[]): Fault[] =>
  faults.map(each => ({ ...each, pointer: pointer + each.pointer }));

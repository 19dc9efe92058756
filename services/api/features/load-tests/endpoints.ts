import type { EndpointConfig } from '../../../../shared/contracts/load-tests.ts';
import { faultsOf, pointerTo } from '../../../../shared/http/faults.ts';
import { catalogueSchema, type EndpointRequest } from '../../../../shared/http/load-endpoint-request.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import { fetchJson, type Target, unreadable } from '../../target.ts';

/** With `login=true` the storefront gives weights for visitors who are logged in; other targets may ignore it. */
const cataloguePath = (loggedIn: boolean): string => (loggedIn ? '/catalogue?login=true' : '/catalogue');

/** The endpoints that the target lists; for visitors who are not logged in, but for those that need it. */
export async function fetchCatalogue(
  target: Target,
  { loggedIn }: { loggedIn: boolean },
): Promise<EndpointRequest[]> {
  const path = cataloguePath(loggedIn);
  const answer = await fetchJson(target, path);
  const parsed = catalogueSchema.safeParse(answer);
  if (!parsed.success) {
    const [fault] = faultsOf(parsed.error, answer);
    throw unreadable(`at ${path}, ${fault?.pointer} ${fault?.detail}`);
  }
  const open = parsed.data.endpoints.filter(({ requires_login }) => loggedIn || !requires_login);
  if (open.length === 0) throw unreadable(`nothing at ${path} can be used without a login`);
  return open.map(({ requires_login: _, ...endpoint }) => endpoint);
}

type Weights = Readonly<Record<string, number>>;

/** The endpoints as they are kept: paths on the target's origin, bodies as text, weights in force. */
export function settleEndpoints(
  target: URL,
  given: readonly EndpointRequest[],
  weights: Weights = {},
): { endpoints: EndpointConfig[]; faults: Fault[] } {
  const faults: Fault[] = [];
  const endpoints = given.map((endpoint, index) => {
    const path = pathOn(target, endpoint.url);
    if (path === undefined) faults.push(foreign(index, target));
    return settleEndpoint(endpoint, path ?? '/', weights[endpoint.name]);
  });
  return { endpoints, faults: [...faults, ...faultsOfWeights(endpoints, weights)] };
}

function settleEndpoint(endpoint: EndpointRequest, url: string, weight = endpoint.weight): EndpointConfig {
  const { name, method, timeout, body, headers, description } = endpoint;
  const content = typeof body === 'object' ? JSON.stringify(body) : body;
  const typed = typeof body === 'object' ? withContentType(headers) : headers;
  return {
    name,
    url,
    method,
    weight,
    timeout,
    ...(typed !== undefined && { headers: typed }),
    ...(content !== undefined && { body: content }),
    ...(description !== undefined && { description }),
  };
}

function withContentType(headers: Record<string, string> = {}): Record<string, string> {
  const isTyped = Object.keys(headers).some(name => name.toLowerCase() === 'content-type');
  return isTyped ? headers : { ...headers, 'content-type': 'application/json' };
}

/** Path and query on the target's origin; undefined for a URL of another one, however it is written. */
function pathOn(target: URL, text: string): string | undefined {
  const url = URL.parse(text, target.href);
  return url?.origin === target.origin ? url.pathname + url.search : undefined;
}

const foreign = (index: number, target: URL): Fault => ({
  pointer: pointerTo(['endpoints', index, 'url']),
  code: 'other_origin',
  detail: `must be a path, or a URL of ${target.origin}`,
});

/** Weights of endpoints that there are, not all of them 0. */
export function faultsOfWeights(
  endpoints: readonly Pick<EndpointConfig, 'name' | 'weight'>[],
  weights: Weights = {},
): Fault[] {
  const names = endpoints.map(({ name }) => name);
  const faults = Object.keys(weights)
    .filter(name => !names.includes(name))
    .map(name => unknownEndpoint(pointerTo(['endpoint_weights', name]), names));
  const sum = endpoints.reduce((total, { name, weight }) => total + (weights[name] ?? weight), 0);
  if (sum > 0) return faults;
  const pointer = Object.keys(weights).length > 0 ? '/endpoint_weights' : '/endpoints';
  return [
    ...faults,
    { pointer, code: 'weights_sum_to_zero', detail: 'must leave one endpoint a weight above 0' },
  ];
}

export const unknownEndpoint = (pointer: string, names: readonly string[]): Fault => ({
  pointer,
  code: 'unknown_endpoint',
  detail: `names no endpoint: there is ${names.slice(0, 20).join(', ')}`,
});

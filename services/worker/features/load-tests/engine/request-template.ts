import type { Dispatcher } from 'undici';
import type { EngineEndpoint, EnginePlan } from './plan.ts';

/** A request that is ready to be sent but for what a user adds: built once, sent a million times. */
export interface RequestTemplate {
  /** Index of the endpoint that it counts for. */
  endpoint: number;
  name: string;
  method: Dispatcher.HttpMethod;
  /** Path and query. */
  path: string;
  /** Name, value, name, value; names in lower case. */
  headers: string[];
  body: Buffer | null;
  timeoutMs: number;
  /** What the answer's body must contain. */
  mustContain: Buffer | undefined;
  /** Bytes on the wire, without and with the headers above. */
  baseBytes: number;
  bytes: number;
}

export function createTemplates({ origin, endpoints, userAgent }: EnginePlan): RequestTemplate[] {
  return endpoints.map((endpoint, index) => {
    const url = new URL(endpoint.url, origin);
    const method = endpoint.method.toUpperCase();
    const body = endpoint.body === undefined || endpoint.body === '' ? null : Buffer.from(endpoint.body);
    const contains = endpoint.checks?.bodyContains;
    const path = url.pathname + url.search;
    const headers = headersOf(endpoint, userAgent);
    const baseBytes = baseBytesOf(method, path, url.host, body);
    return {
      endpoint: index,
      name: endpoint.name,
      method,
      path,
      headers,
      body,
      timeoutMs: endpoint.timeoutMs,
      mustContain: contains === undefined ? undefined : Buffer.from(contains),
      baseBytes,
      bytes: baseBytes + bytesOfHeaders(headers),
    };
  });
}

/** Headers of a list with those of another put in their place or behind them. */
export function mergeHeaders(headers: readonly string[], others: Record<string, string>): string[] {
  const merged = new Map<string, string>();
  for (let index = 0; index < headers.length; index += 2) {
    merged.set(headers[index] ?? '', headers[index + 1] ?? '');
  }
  for (const [name, value] of Object.entries(others)) merged.set(name.toLowerCase(), value);
  return [...merged].flat();
}

/** `name: value` and a line's end for each. */
export function bytesOfHeaders(headers: readonly string[]): number {
  let bytes = headers.length * 2;
  for (const text of headers) bytes += text.length;
  return bytes;
}

const headersOf = (endpoint: EngineEndpoint, userAgent: string): string[] =>
  mergeHeaders(['user-agent', userAgent, 'accept', '*/*'], endpoint.headers ?? {});

const awaitedBodies = new Set(['POST', 'PUT', 'PATCH']);

/**
 * As undici writes it: the request line, `host`, `connection`, an empty line, `content-length` and the body. It says that a
 * body is empty where one is awaited.
 */
export function baseBytesOf(method: string, path: string, host: string, body: Buffer | null): number {
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}`, 'connection: keep-alive', ''];
  if (body !== null || awaitedBodies.has(method)) lines.push(`content-length: ${body?.length ?? 0}`);
  return lines.join('\r\n').length + 2 + (body?.length ?? 0);
}

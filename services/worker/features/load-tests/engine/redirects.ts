import { baseBytesOf, bytesOfHeaders, type RequestTemplate } from './request-template.ts';

/**
 * Redirects as in k6: up to 10 are followed at once, each hop a request of the same endpoint, cookies kept; but never
 * off the origin: such an answer is the end, and counts as what it is, a 3xx.
 */
export const maxRedirects = 10;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const bodyHeaders = new Set(['content-type', 'content-encoding', 'content-language']);

export const isRedirect = (status: number): boolean => redirectStatuses.has(status);

/** The request that follows an answer; undefined when there is none to follow. */
export function followRedirect(
  from: RequestTemplate,
  status: number,
  location: string,
  origin: string,
): RequestTemplate | undefined {
  const url = URL.parse(location, origin + from.path);
  if (url === null || url.origin !== origin) return undefined;
  const path = url.pathname + url.search;
  const dropsBody = status === 303 || (status < 303 && from.method === 'POST');
  const method = dropsBody && from.method !== 'HEAD' ? 'GET' : from.method;
  const body = dropsBody ? null : from.body;
  const headers = dropsBody ? withoutBodyHeaders(from.headers) : from.headers;
  const baseBytes = baseBytesOf(method, path, url.host, body);
  return { ...from, method, path, headers, body, baseBytes, bytes: baseBytes + bytesOfHeaders(headers) };
}

const withoutBodyHeaders = (headers: readonly string[]): string[] =>
  headers.filter((_, index) => !bodyHeaders.has(headers[index - (index % 2)] ?? ''));

/** How to log in at a target: the request with its placeholders, and where the session is in the answer. */
export interface LoginScript {
  method: 'POST' | 'PUT' | 'PATCH';
  /** On the target's origin, with its query. */
  path: string;
  content_type: 'json' | 'form';
  /** Texts in it, at any depth, may hold `{username}` and `{password}`. */
  body: Record<string, unknown>;
  session: { type: 'cookie' } | { type: 'bearer'; json_pointer: string };
}

export interface LoginRequest {
  url: string;
  method: LoginScript['method'] | 'GET';
  headers: Record<string, string>;
  body?: string;
}

const placeholders = /\{(username|password)\}/g;

/** The request that logs this account in. */
export function loginRequest(
  origin: string,
  { method, path, content_type, body }: LoginScript,
  credentials: { username: string; password: string },
): LoginRequest {
  const filled = fill(body, credentials);
  const url = new URL(path, origin).href;
  if (content_type === 'json') {
    return { url, method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(filled) };
  }
  const fields = Object.entries(filled).map(([name, value]): [string, string] => [name, String(value)]);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { url, method, headers, body: new URLSearchParams(fields).toString() };
}

/** All placeholders at once, so that a password that looks like one stays as it is. */
function fill<T>(value: T, credentials: Record<string, string>): T;
function fill(value: unknown, credentials: Record<string, string>): unknown {
  if (typeof value === 'string') return value.replace(placeholders, (_, name) => credentials[name] ?? '');
  if (Array.isArray(value)) return value.map(item => fill(item, credentials));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, credentials)]));
}

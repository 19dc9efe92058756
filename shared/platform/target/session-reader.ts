import { parseSetCookie, type SetCookie } from '../../kernel/set-cookie.ts';
import type { LoginScript } from './login-request.ts';

/** What an account sends from now on, and until when it is good, as far as the target said. */
export interface OpenedSession {
  headers: Record<string, string>;
  expiresAt: Date | null;
}

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: AsyncIterable<Uint8Array> & { dump(): Promise<void> };
}

/** Looks for a session in the answers of one login, in their order. */
export interface SessionReader {
  /** Reads an answer to its end, so that its connection is free again. */
  read(answer: Answer): Promise<void>;
  /** The session, once there was one. */
  session(): OpenedSession | undefined;
  /** The `cookie` header of what was set so far, for the next request of the login. */
  cookies(): Record<string, string>;
}

const maxBodyBytes = 1_000_000;

export function createSessionReader(kind: LoginScript['session']): SessionReader {
  const jar = new Map<string, SetCookie>();
  let token: string | undefined;

  function keep(cookie: SetCookie): void {
    if (cookie.value === '' || cookie.expiresAt <= Date.now()) jar.delete(cookie.name);
    else jar.set(cookie.name, cookie);
  }

  const cookies = (): Record<string, string> =>
    jar.size === 0
      ? {}
      : { cookie: [...jar.values()].map(({ name, value }) => `${name}=${value}`).join('; ') };

  return {
    async read({ status, headers, body }) {
      const given = [headers['set-cookie'] ?? []].flat().map(text => parseSetCookie(text, Date.now()));
      for (const cookie of given) if (cookie !== undefined) keep(cookie);
      if (kind.type === 'bearer' && status < 300) token = tokenIn(await textOf(body), kind.json_pointer);
      else await body.dump();
    },
    session() {
      if (kind.type === 'cookie') {
        return jar.size === 0 ? undefined : { headers: cookies(), expiresAt: earliest([...jar.values()]) };
      }
      if (token === undefined) return undefined;
      return { headers: { authorization: `Bearer ${token}`, ...cookies() }, expiresAt: expiryOfToken(token) };
    },
    cookies,
  };
}

/** A session of several cookies is over with the first that has a time and runs out. */
function earliest(cookies: SetCookie[]): Date | null {
  const first = Math.min(...cookies.map(({ expiresAt }) => expiresAt));
  return first === Infinity ? null : new Date(first);
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return ''; // ending the iteration closes the connection
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The text at an RFC 6901 pointer; undefined when there is none that a header could carry. */
function tokenIn(text: string, pointer: string): string | undefined {
  const found = pointer.split('/').slice(1).reduce(fieldOf, parsed(text));
  return typeof found === 'string' && /^[\x21-\x7e]{1,8192}$/.test(found) ? found : undefined;
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null
    ? Reflect.get(value, key.replaceAll('~1', '/').replaceAll('~0', '~'))
    : undefined;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The `exp` of a JWT, which is not checked: the target does that. */
function expiryOfToken(token: string): Date | null {
  const claims = parsed(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const seconds = fieldOf(claims, 'exp');
  const expiresAt = new Date(typeof seconds === 'number' ? seconds * 1000 : Number.NaN);
  return Number.isNaN(expiresAt.getTime()) ? null : expiresAt;
}

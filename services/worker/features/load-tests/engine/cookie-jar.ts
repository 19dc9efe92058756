import { parseSetCookie } from '../../../../../shared/kernel/set-cookie.ts';

/**
 * The cookies of one virtual user at one origin (RFC 6265). Small and its own, for two reasons: a general jar such as
 * tough-cookie (300 kB, asynchronous stores, public-suffix lists) answers questions that cannot come up with a single
 * origin, and it would be asked before every request. Domain is only checked for covering the target's host; Secure
 * cookies are kept, since the origin never changes its scheme; SameSite and HttpOnly mean nothing here.
 */
const maxCookies = 100; // 50 is what a browser must keep for a site (RFC 6265, 6.1): bounded, whatever a target sends

interface Cookie {
  name: string;
  value: string;
  path: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export class CookieJar {
  readonly #host: string;
  #cookies: Cookie[] = [];
  #expiring = false;
  /** Rises with every change, so that a header built from the jar can be kept until then. */
  version = 0;

  constructor(host: string) {
    this.#host = host;
  }

  get size(): number {
    return this.#cookies.length;
  }

  /** Takes one `set-cookie` header, of an answer to a request for `requestPath`. */
  store(header: string, requestPath: string, now = Date.now()): void {
    const cookie = cookieOf(header, requestPath, this.#host, now);
    if (cookie === undefined) return;
    const index = this.#cookies.findIndex(old => old.name === cookie.name && old.path === cookie.path);
    if (cookie.expiresAt <= now) {
      if (index >= 0) this.#cookies.splice(index, 1);
    } else if (index >= 0) {
      if (isEqual(this.#cookies[index], cookie)) return; // an app that renews its session with every answer
      this.#cookies[index] = cookie;
    } else {
      this.#cookies.push(cookie);
      if (this.#cookies.length > maxCookies) this.#cookies.shift();
    }
    this.#expiring = this.#cookies.some(({ expiresAt }) => expiresAt !== Infinity);
    this.version++;
  }

  /** Takes the cookies of a `cookie` header, as an account's session brings them. */
  seed(header: string): void {
    for (const pair of header.split(';')) this.store(pair, '/');
  }

  /** Whether some cookie has a time to live, so that a header is not good for ever. */
  get expires(): boolean {
    return this.#expiring;
  }

  /** The `cookie` header for a path; undefined without any cookie. The longest path comes first (RFC 6265, 5.4). */
  headerFor(path: string, now = Date.now()): string | undefined {
    const matching = this.#cookies.filter(cookie => cookie.expiresAt > now && pathMatches(path, cookie.path));
    if (matching.length === 0) return undefined;
    matching.sort((a, b) => b.path.length - a.path.length);
    return matching.map(({ name, value }) => `${name}=${value}`).join('; ');
  }
}

const isEqual = (a: Cookie | undefined, b: Cookie): boolean =>
  a?.value === b.value && a.expiresAt === b.expiresAt;

/** Undefined for one that is not for this host. */
function cookieOf(header: string, requestPath: string, host: string, now: number): Cookie | undefined {
  const set = parseSetCookie(header, now);
  if (set === undefined || !domainCovers(set.domain, host)) return undefined;
  const { name, value, path = defaultPath(requestPath), expiresAt } = set;
  return { name, value, path, expiresAt };
}

const domainCovers = (domain: string | undefined, host: string): boolean =>
  domain === undefined || domain === host || host.endsWith(`.${domain}`);

function defaultPath(requestPath: string): string {
  const path = pathOf(requestPath);
  const lastSlash = path.lastIndexOf('/');
  return lastSlash <= 0 ? '/' : path.slice(0, lastSlash);
}

function pathMatches(requested: string, cookiePath: string): boolean {
  if (cookiePath === '/') return true;
  const path = pathOf(requested);
  if (!path.startsWith(cookiePath)) return false;
  return path.length === cookiePath.length || cookiePath.endsWith('/') || path[cookiePath.length] === '/';
}

const pathOf = (pathAndQuery: string): string => pathAndQuery.replace(/[?#].*$/s, '');

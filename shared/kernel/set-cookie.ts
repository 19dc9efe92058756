import { parseCookieDate } from './cookie-date.ts';

/** A `set-cookie` header, as a browser understands it (RFC 6265, 5.2 and 5.3). */
export interface SetCookie {
  name: string;
  value: string;
  /** Undefined: the folder of the request. */
  path: string | undefined;
  /** In lower case, without a dot before it; undefined: the host that was asked. */
  domain: string | undefined;
  /** Milliseconds since the epoch; Infinity: with the session. */
  expiresAt: number;
}

/** Browsers take no longer ones, so that a target cannot fill up a client with them (RFC 6265bis, 5.7). */
const longestCookie = 4096;
/** The last moment that a `Date` can tell. */
const latest = 8.64e15;

/** Undefined for one that a client ignores. */
export function parseSetCookie(header: string, now: number): SetCookie | undefined {
  const [pair = '', ...attributes] = header.split(';');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, Math.max(0, equals)).trim();
  const value = pair.slice(equals + 1).trim();
  if (name === '' || !isSendable(name + value)) return undefined;
  const { path, domain, expires, maxAge } = attributesOf(attributes, now);
  return {
    name,
    value,
    path: path?.startsWith('/') ? path : undefined,
    domain: domain === '' ? undefined : domain,
    expiresAt: maxAge ?? expires ?? Infinity, // in whatever order they stand
  };
}

/** Nothing that would break a header. */
const isSendable = (text: string): boolean =>
  text.length <= longestCookie && /^[\t\x20-\x7e\x80-\xff]*$/.test(text);

interface Attributes {
  path?: string;
  domain?: string;
  expires?: number | undefined;
  maxAge?: number | undefined;
}

/** The last of each. A lifetime that cannot be read is none, and leaves the one before it in force. */
function attributesOf(attributes: readonly string[], now: number): Attributes {
  const said: Attributes = {};
  for (const attribute of attributes) {
    const [key = '', ...rest] = attribute.split('=');
    const text = rest.join('=').trim();
    switch (key.trim().toLowerCase()) {
      case 'path':
        said.path = text;
        break;
      case 'domain':
        said.domain = text.toLowerCase().replace(/^\./, '');
        break;
      case 'max-age':
        said.maxAge = expiryAfter(text, now) ?? said.maxAge;
        break;
      case 'expires':
        said.expires = parseCookieDate(text) ?? said.expires;
        break;
    }
  }
  return said;
}

function expiryAfter(maxAge: string, now: number): number | undefined {
  if (!/^-?\d+$/.test(maxAge)) return undefined;
  const seconds = Number(maxAge);
  return seconds <= 0 ? 0 : Math.min(latest, now + seconds * 1000);
}

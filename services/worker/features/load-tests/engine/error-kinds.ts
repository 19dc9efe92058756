import { errors } from 'undici';
import { messageOf, systemCodeOf } from '../../../../../shared/kernel/errors.ts';
import type { ErrorKind } from './delta.ts';

/** Refused by the connect guard, before anything was sent. */
export class TargetNotAllowedError extends Error {
  readonly code = 'ERR_TARGET_NOT_ALLOWED';
}

export class RequestTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(timeoutMs: number) {
    super(`No whole answer within ${timeoutMs} ms`);
  }
}

/** The engine's own limit, not the target's fault. */
export class NoConnectionError extends Error {
  readonly code = 'ERR_NO_CONNECTION';

  constructor(timeoutMs: number) {
    super(
      `No connection became free within ${timeoutMs} ms; the limit of connections is too low for the users`,
    );
  }
}

const kindOfCode: Record<string, ErrorKind> = {
  ERR_TARGET_NOT_ALLOWED: 'not_allowed',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'reset', // the answer was cut off
  EPROTO: 'tls',
  CERT_HAS_EXPIRED: 'tls',
  CERT_NOT_YET_VALID: 'tls',
  CERT_REVOKED: 'tls',
  CERT_UNTRUSTED: 'tls',
  CERT_SIGNATURE_FAILURE: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_GET_ISSUER_CERT: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  HOSTNAME_MISMATCH: 'tls',
  ERR_NO_CONNECTION: 'resource',
  EMFILE: 'resource',
  ENFILE: 'resource',
  ENOMEM: 'resource',
  ENOBUFS: 'resource',
  EADDRNOTAVAIL: 'resource',
  UND_ERR_HEADERS_OVERFLOW: 'application',
  UND_ERR_INVALID_ARG: 'application', // a request that HTTP has no words for
};

/**
 * The kind of a request that got no whole answer, by its cause. What answers, but not in HTTP, is an `application`
 * error: the network did its part. An unknown cause is a lost connection.
 */
export function errorKindOf(error: unknown): ErrorKind {
  const code = systemCodeOf(error) ?? '';
  const known = kindOfCode[code];
  if (known !== undefined) return known;
  if (error instanceof errors.HTTPParserError) return 'application';
  if (code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_')) return 'tls';
  return 'reset';
}

const longestMessage = 200;

/** One printable line: what a target sends may end up in a message. */
export function cleanMessage(error: unknown): string {
  const line = messageOf(error)
    .replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, ' ')
    .trim();
  return line.length > longestMessage ? `${line.slice(0, longestMessage - 1)}…` : line;
}

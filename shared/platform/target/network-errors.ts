import { errors } from 'undici';
import { systemCodeOf } from '../../kernel/errors.ts';

/** Refused by the connect guard, before anything was sent. */
export class TargetNotAllowedError extends Error {
  readonly code = 'ERR_TARGET_NOT_ALLOWED';
}

/** Why a request got no whole answer. */
export type NetworkErrorKind =
  | 'timeout'
  | 'dns'
  | 'refused'
  | 'reset'
  | 'tls'
  | 'application'
  | 'resource'
  | 'not_allowed';

const kindOfCode: Record<string, NetworkErrorKind> = {
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
export function networkErrorKindOf(error: unknown): NetworkErrorKind {
  const code = systemCodeOf(error) ?? '';
  const known = kindOfCode[code];
  if (known !== undefined) return known;
  if (error instanceof errors.HTTPParserError) return 'application';
  if (code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_')) return 'tls';
  return 'reset';
}

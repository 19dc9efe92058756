import { isNativeError } from 'node:util/types';

/**
 * Which errors of the Postgres and Redis drivers mean "not there at present" rather than a fault of ours.
 * Drizzle wraps the driver's error, so the chain of causes is searched.
 */
const lostConnection = new Set([
  // Node
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT', // a Unix socket that is gone
  'EPIPE',
  'ETIMEDOUT',
  // postgres.js
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  // Postgres
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53300', // too_many_connections
  '55P03', // lock_not_available
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
]);

const lostRedis = /^(Connection is closed|Stream isn't writeable|Reached the max retries per request limit)/;

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';

export function isOutage(error: unknown): boolean {
  if (!isNativeError(error)) return false;
  const code = codeOf(error);
  if (lostConnection.has(code) || code.startsWith('08') || lostRedis.test(error.message)) return true;
  if (error instanceof AggregateError && error.errors.some(isOutage)) return true;
  return isOutage(error.cause);
}

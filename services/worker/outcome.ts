import { AppError, type ErrorCode } from '../../shared/kernel/errors.ts';
import { sqlStateOf } from '../../shared/platform/postgres/sql-state.ts';

/** What may pass by itself: everything else that Muster raises on purpose is final. */
const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  'dependency_unavailable',
  'rate_limited',
  'internal_error',
]);

/**
 * Classes of SQLSTATE (PostgreSQL, appendix A) that a second try may get past: connection exceptions,
 * transactions that were ended for standing still (25P03, after a freeze), transaction rollbacks (deadlock,
 * serialization), insufficient resources, object in use, operator intervention, faults of the server's machine.
 */
const retryableClasses = new Set(['08', '25', '40', '53', '55', '57', '58']);

/**
 * The worker's edge of the error catalogue: retry or never. Errors from outside Muster, a lost connection for one,
 * are retried: the number of attempts bounds what that can cost.
 */
export function isRetryable(error: unknown): boolean {
  if (error instanceof AppError) return retryableCodes.has(error.code);
  const state = sqlStateOf(error);
  return state === undefined || retryableClasses.has(state.slice(0, 2));
}

/**
 * SQLSTATEs of a server that is away, on its way, or short of something: connection exceptions, a standby that is not
 * promoted yet, insufficient resources, shutdown and start, faults of its machine.
 */
const outageStates = /^(08|25006|53|57P|58)/;

/** The codes of Node's network errors (`ECONNREFUSED`) and of postgres.js (`CONNECTION_CLOSED`), none of `ERR_...`. */
const connectionCodes = /^(E(?!RR_)[A-Z]|CONNECT)/;

/** Whether the error says that something Muster needs is away. It comes back, and is not the fault of what was tried. */
export function isOutage(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'dependency_unavailable';
  const state = sqlStateOf(error);
  if (state !== undefined) return outageStates.test(state);
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && connectionCodes.test(String(cause.code))) return true;
  }
  return false;
}

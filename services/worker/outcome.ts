import { AppError, type ErrorCode } from '../../shared/kernel/errors.ts';
import { sqlStateOf } from '../../shared/platform/sql-state.ts';

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

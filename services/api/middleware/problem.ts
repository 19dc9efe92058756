import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Problem } from '../../../shared/http/problem.ts';
import { AppError, type ErrorCode, errorTitles } from '../../../shared/kernel/errors.ts';
import { problemPage } from '../pages/problem-page.ts';
import { isNavigation } from './navigation.ts';
import { isOutage } from './outage.ts';

/** The one place that says which HTTP status a code is. A code missing here is a compile error. */
export const statusOf: Record<ErrorCode, number> = {
  invalid_json: 400,
  malformed_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  batch_cleaned_up: 409,
  batch_exists: 409,
  cancelled: 409,
  chunk_refused: 409,
  confirmation_required: 409,
  conflict: 409,
  dataset_exists: 409,
  deletion_guard: 409,
  guard_refused: 409,
  ledger_mismatch: 409,
  snapshot_damaged: 409,
  snapshot_exists: 409,
  snapshot_mismatch: 409,
  sync_running: 409,
  still_referenced: 409,
  template_exists: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  catalogue_unreadable: 422,
  idempotency_key_reused: 422,
  not_enough_accounts: 422,
  target_not_allowed: 422,
  target_unreachable: 422,
  validation_failed: 422,
  rate_limited: 429,
  headers_too_large: 431,
  internal_error: 500,
  lease_lost: 500,
  payload_unreadable: 500,
  secret_unreadable: 500,
  dependency_unavailable: 503,
  draining: 503,
  shutting_down: 503,
  storage_full: 503,
};

/** A body with a hundred thousand faults gets an answer of bearable size. */
const maxFaults = 100;

/** Seconds to wait when the error does not say. */
const retryAfterOutage = 2;

/** A 503 that was asked for: the access log has it, and nothing is wrong. */
const onPurpose: ReadonlySet<ErrorCode> = new Set(['draining', 'shutting_down']);

/** Anything thrown, as the error that the client sees. What is not ours says nothing about its cause. */
export function publicError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isOutage(error)) {
    return new AppError('dependency_unavailable', 'A database or the queue does not answer', {
      hint: 'Try again shortly; GET /api/health says which one.',
      retryAfterSeconds: retryAfterOutage,
      cause: error,
    });
  }
  if (error instanceof URIError) return new AppError('not_found', 'The path is not validly encoded');
  return new AppError('internal_error', errorTitles.internal_error, { cause: error });
}

/** RFC 9457. `type` is a URN: it names the code, and there is nothing to fetch. */
export function toProblem(error: AppError, requestId: string): Problem {
  const hidden = statusOf[error.code] === 500;
  const detail = [error.message, error.hint].filter(text => text !== undefined).join('. ');
  return {
    type: `urn:muster:problem:${error.code}`,
    title: errorTitles[error.code],
    status: statusOf[error.code],
    detail: hidden ? `See the log for request ${requestId}` : detail,
    code: error.code,
    request_id: requestId,
    ...(error.faults.length > 0 && { errors: error.faults.slice(0, maxFaults) }),
  };
}

/** An error is of its moment: no cache may keep it. */
export const problemHeaders = {
  'Content-Type': 'application/problem+json; charset=utf-8',
  'Cache-Control': 'no-store',
} as const;

/** A person who is not logged in may do so, and is led back. */
function showProblem(request: Request, response: Response, problem: Problem): void {
  if (problem.code === 'unauthenticated' && request.method === 'GET') {
    response.redirect(303, `/login?next=${encodeURIComponent(request.originalUrl)}`);
    return;
  }
  response
    .status(problem.status)
    .set('Cache-Control', problemHeaders['Cache-Control'])
    .type('html')
    .send(problemPage(problem));
}

/** Answers every error as `application/problem+json`, but for a person at a browser: with a page. */
export const problems = (): ErrorRequestHandler => (thrown, request, response, _next) => {
  const error = publicError(thrown);
  const problem = toProblem(error, String(request.id));
  if (problem.status >= 500 && !onPurpose.has(error.code))
    request.log.error({ err: thrown, code: error.code }, 'request failed');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error.code === 'unauthenticated') response.set('WWW-Authenticate', 'Bearer realm="muster"');
  if (error.retryAfterSeconds !== undefined) {
    response.set('Retry-After', String(Math.max(1, Math.ceil(error.retryAfterSeconds))));
  }
  response.vary('Accept').vary('Sec-Fetch-Dest');
  if (isNavigation(request)) return showProblem(request, response, problem);
  response.status(problem.status).set(problemHeaders).send(JSON.stringify(problem));
};

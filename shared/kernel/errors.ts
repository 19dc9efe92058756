/**
 * The one catalogue of things that go wrong. A code is stable and public: it is what a client matches on.
 * What a code means elsewhere is decided at exactly two edges: the API maps it to an HTTP status
 * (`services/api/middleware/problem.ts`), the worker to retry or never (`services/worker/outcome.ts`).
 */
export const errorTitles = {
  // what the caller sent
  malformed_request: 'This is not a request of HTTP',
  headers_too_large: 'The headers are too large',
  request_timeout: 'The request took too long to come',
  expectation_failed: 'The expectation cannot be met',
  invalid_json: 'The body is not valid JSON',
  validation_failed: 'The request has faults',
  unsupported_media_type: 'The content type is not supported',
  payload_too_large: 'The body is too large',
  target_not_allowed: 'The target is not in the list of allowed targets',
  target_unreachable: 'The target does not answer',
  catalogue_unreadable: 'The target has no list of endpoints that can be read',
  idempotency_key_reused: 'The idempotency key was used for another request',
  // who is asking
  unauthenticated: 'A valid API key is required',
  forbidden: 'The API key may not do this',
  rate_limited: 'Too many requests',
  // what is there
  not_found: 'There is nothing here',
  method_not_allowed: 'The method is not allowed here',
  conflict: 'The state does not allow this',
  batch_exists: 'The batch already exists',
  not_enough_accounts: 'The pool has too few accounts',
  batch_cleaned_up: 'The batch was cleaned up',
  confirmation_required: 'This needs a confirmation',
  ledger_mismatch: 'The users table and the ledger disagree',
  still_referenced: 'Other rows refer to the users',
  guard_refused: 'The guards of the application refuse this',
  dataset_exists: 'The dataset already exists',
  template_exists: 'The template already exists',
  snapshot_exists: 'The snapshot already exists',
  sync_running: 'A sync of this target has not ended',
  snapshot_damaged: 'The snapshot is not as it was written',
  snapshot_mismatch: 'The snapshot does not fit the database',
  // how a job ended
  cancelled: 'The job was cancelled',
  deletion_guard: 'The sync would delete too many users',
  chunk_refused: 'A part of the work cannot be done',
  payload_unreadable: 'The job payload does not fit its contract',
  lease_lost: 'Another worker took this over',
  secret_unreadable: 'A stored secret cannot be decrypted',
  // what Muster depends on
  dependency_unavailable: 'A dependency is not available',
  storage_full: 'There is no space left in the storage',
  draining: 'No new work is accepted',
  shutting_down: 'The process is stopping',
  internal_error: 'Something went wrong inside Muster',
} as const;

export type ErrorCode = keyof typeof errorTitles;

/** One fault in a body: where (RFC 6901 pointer), which kind, and what to write instead. */
export interface Fault {
  pointer: string;
  code: string;
  detail: string;
}

export interface AppErrorOptions {
  hint?: string;
  faults?: Fault[];
  /** Seconds after which the same call may succeed. */
  retryAfterSeconds?: number;
  details?: unknown;
  cause?: unknown;
}

/** Every error that Muster raises on purpose. `message` says what was wrong, `hint` what to do. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly faults: Fault[];
  readonly retryAfterSeconds: number | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string = errorTitles[code], options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.faults = options.faults ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.details = options.details;
  }
}

export const isAppError = (error: unknown, code?: ErrorCode): error is AppError =>
  error instanceof AppError && (code === undefined || error.code === code);

/** The query builder quotes a failed statement with its parameters, hashes and digests among them: its cause says enough. */
export const withoutStatement = (error: unknown): unknown =>
  Error.isError(error) && 'query' in error && 'params' in error && Error.isError(error.cause)
    ? error.cause
    : error;

/** A readable message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  const error = withoutStatement(thrown);
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** The code that Node puts on errors of the system (`ENOENT`, `EADDRINUSE`); undefined for anything else. */
export function systemCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

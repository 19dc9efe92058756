import { AppError, messageOf, systemCodeOf } from '../../kernel/errors.ts';
import type { Logger } from '../log.ts';

/** The error of a call that the queue store did not answer. The cause is for the log, the message for a client. */
export function storeUnavailable(cause: unknown, hint?: string): AppError {
  return new AppError('dependency_unavailable', `The queue store does not answer: ${messageOf(cause)}`, {
    cause,
    retryAfterSeconds: 2,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Rejects with `storeUnavailable` when the store rejects or takes longer than `timeoutMs`. */
export async function answered<T>(call: Promise<T>, timeoutMs: number, hint?: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([call, late]);
  } catch (error) {
    throw storeUnavailable(error, hint);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A listener for the errors of connections. During an outage every connection of a process fails several times a
 * second; one line in `quietMs` says as much. Message and code alone: pg's errors carry their client, with all its state.
 */
export function logStoreErrors(
  logger: Logger,
  { quietMs = 5000, now = () => performance.now() } = {},
): (error: unknown) => void {
  let lastAt = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return error => {
    unsaid += 1;
    if (now() - lastAt < quietMs) return;
    const said = { reason: messageOf(error), code: systemCodeOf(error), times: unsaid };
    logger.warn(said, 'The queue store reports an error');
    lastAt = now();
    unsaid = 0;
  };
}

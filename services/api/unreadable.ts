import { maxHeaderSize } from 'node:http';
import { AppError, type ErrorCode } from '../../shared/kernel/errors.ts';
import { newId } from '../../shared/kernel/ids.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { AnswerUnreadable, UnreadableRequest } from '../../shared/platform/unreadable-requests.ts';
import { problemHeaders, toProblem } from './middleware/problem.ts';

const errors: Record<UnreadableRequest['status'], { code: ErrorCode; message: string }> = {
  400: { code: 'malformed_request', message: 'What was sent is not a request of HTTP/1.1' },
  408: { code: 'request_timeout', message: 'The request did not come to its end in time' },
  413: {
    code: 'payload_too_large',
    message: 'The extensions of a chunk are larger than the limit of 16384 bytes',
  },
  431: {
    code: 'headers_too_large',
    message: `The headers are larger than the limit of ${maxHeaderSize} bytes in all`,
  },
};

/** A problem, too, for what never becomes a request; with a line in the log, for there is none in the access log. */
export const unreadableProblem =
  (logger: Logger): AnswerUnreadable =>
  ({ status, reason }) => {
    const requestId = newId();
    const { code, message } = errors[status];
    logger.info({ request_id: requestId, status, code, reason }, 'a request that cannot be read');
    const problem = toProblem(
      new AppError(code, message, { ...(reason !== undefined && { hint: reason }) }),
      requestId,
    );
    return {
      headers: { ...problemHeaders, 'X-Request-Id': requestId, 'X-Content-Type-Options': 'nosniff' },
      body: JSON.stringify(problem),
    };
  };

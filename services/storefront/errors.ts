import { DrizzleQueryError } from 'drizzle-orm/errors';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from '../../shared/platform/log.ts';
import { Refusal } from './refusal.ts';

/** Answers with an error of the shop's API: `{ error, message? }`. */
export function refuse(response: Response, status: number, error: string, message?: string): void {
  response.status(status).json({ error, ...(message === undefined ? {} : { message }) });
}

export const notFound: RequestHandler = (_request, response) => refuse(response, 404, 'not_found');

const bodyErrors: Record<number, string> = { 413: 'payload_too_large', 415: 'unsupported_media_type' };

/** The codes of the driver, of Node and of Postgres (SQLSTATE) that mean "not now" rather than "a bug". */
const unavailable = /^(CONNECT|ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUNREACH|08|53|55000|57P)/;

/** The last stop of whatever a handler threw: what the client did wrong, a database that is away, or a bug. */
export const answerErrors =
  (logger: Logger): ErrorRequestHandler =>
  (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof Refusal) {
      return refuse(response, error.status, error.code, error.message || undefined);
    }
    const status = clientFaultOf(error);
    if (status !== undefined) return refuse(response, status, bodyErrors[status] ?? 'bad_request');
    // Drizzle's own message quotes the parameters of the query: session digests, names.
    const cause = error instanceof DrizzleQueryError ? (error.cause ?? 'query failed') : error;
    const { method, path } = request;
    if (isUnavailable(cause)) {
      logger.warn({ err: cause, method, path }, 'the database is not available');
      return refuse(response, 503, 'unavailable');
    }
    logger.error({ err: cause, method, path }, 'a request failed');
    return refuse(response, 500, 'internal_error');
  };

/** The 4xx that Express and its body parsers put on their errors. */
function clientFaultOf(error: unknown): number | undefined {
  const status = propertyOf(error, 'status');
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

function isUnavailable(error: unknown): boolean {
  const code = propertyOf(error, 'code');
  return typeof code === 'string' && unavailable.test(code);
}

const propertyOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;

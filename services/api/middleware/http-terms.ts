import type { RequestHandler } from 'express';
import { AppError } from '../../../shared/kernel/errors.ts';

/** The one expectation that there is, which Node fulfils by itself (RFC 9110, 10.1.1). */
const known = /^100-continue$/i;

/** Refuses what Node would refuse by itself, with an answer that has no body. */
export const httpTerms = (): RequestHandler => (request, _response, next) => {
  const { host, expect } = request.headers;
  if (request.httpVersion !== '1.0') {
    if (host === undefined) throw new AppError('malformed_request', 'There is no Host in the request');
    if (expect !== undefined && !known.test(expect))
      throw new AppError('expectation_failed', `No expectation is known here but 100-continue`);
  }
  next();
};

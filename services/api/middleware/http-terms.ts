import type { RequestHandler } from 'express';
import { AppError } from '../../../shared/kernel/errors.ts';

/** The one expectation that there is, which Node fulfils by itself (RFC 9110, 10.1.1). */
const known = /^100-continue$/i;

/**
 * Refuses what Node would refuse by itself, with an answer that has no body; and two hosts, of which Node takes the first
 * where a proxy may have taken the last (RFC 9112, 3.2).
 */
export const httpTerms = (): RequestHandler => (request, response, next) => {
  const { expect } = request.headers;
  const { host: hosts = [] } = request.headersDistinct;
  const isOld = request.httpVersion === '1.0';
  if (hosts.length > 1 || (hosts.length === 0 && !isOld)) {
    response.set('Connection', 'close');
    const count = hosts.length === 0 ? 'no Host' : 'more than one Host';
    throw new AppError('malformed_request', `There is ${count} in the request`);
  }
  if (expect !== undefined && !isOld && !known.test(expect))
    throw new AppError('expectation_failed', 'No expectation is known here but 100-continue');
  next();
};

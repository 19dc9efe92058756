import { isIPv6 } from 'node:net';
import type { Request, RequestHandler } from 'express';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { AppError, messageOf } from '../../../shared/kernel/errors.ts';
import { within } from '../within.ts';

/** The part of a rate limiter that is used here; rejects with a `RateLimiterRes` when over the limit. */
interface Limiter {
  consume(key: string): Promise<RateLimiterRes>;
}

/** A store slower than this counts as down: a limit is not worth more waiting than that. */
const storeTimeoutMs = 500;

export const addressOf = ({ ip = 'unknown' }: Request): string => `ip:${networkOf(ip)}`;

/**
 * Who has one IPv6 address has the 2^64 of its network (RFC 6177), and could send each request from another one: they
 * count as one. IPv4 that comes over an IPv6 socket is IPv4.
 */
function networkOf(ip: string): string {
  const address = ip.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(address)) return address;
  const shortest = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [before = [], after = []] = shortest.split('::').map(part => part.split(':').filter(Boolean));
  const zeros = Array(8 - before.length - after.length).fill('0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}

const callerOf = (request: Request): string =>
  request.actor?.keyId ? `key:${request.actor.keyId}` : addressOf(request);

/**
 * Counts the request against its caller, 429 when over the limit. When the store does not answer, requests
 * pass: a limit that is off for a while does less harm than an API that is.
 */
export const rateLimit =
  (limiter: Limiter, keyOf: (request: Request) => string = callerOf): RequestHandler =>
  async (request, _response, next) => {
    try {
      await within(storeTimeoutMs, limiter.consume(keyOf(request)));
    } catch (reason) {
      if (reason instanceof RateLimiterRes) {
        throw new AppError('rate_limited', 'Too many requests in this minute', {
          retryAfterSeconds: reason.msBeforeNext / 1000,
        });
      }
      request.log.warn({ reason: messageOf(reason) }, 'the rate limit is off: its store does not answer');
    }
    next();
  };

import type { Request } from 'express';
import { AppError } from '../../../shared/kernel/errors.ts';

/**
 * Whose page a browser sent the request from, as the browser says itself (scripts cannot change these headers):
 * undefined where it does not say, or is no browser. Over plain HTTP browsers leave Sec-Fetch-Site out, and older ones
 * do so always; Origin comes with every writing request.
 */
function senderOf(request: Request): 'us' | 'others' | undefined {
  const site = request.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? 'us' : 'others';
  const origin = request.get('origin');
  if (origin === undefined) return undefined;
  return URL.parse(origin)?.host === request.host ? 'us' : 'others';
}

export const isRead = ({ method }: Request): boolean => ['GET', 'HEAD', 'OPTIONS'].includes(method);

const refusal = (): AppError =>
  new AppError('forbidden', 'A page of another site cannot write here, with or without a login');

/** Refuses what a page of another site would have a browser write. What is no browser passes. */
export function refuseOtherSites(request: Request): void {
  if (!isRead(request) && senderOf(request) === 'others') throw refusal();
}

/** Refuses a writing request that does not say that it comes from our own pages. */
export function requireOwnPages(request: Request): void {
  if (!isRead(request) && senderOf(request) !== 'us') throw refusal();
}

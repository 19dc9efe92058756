import type { CookieOptions, Request, Response } from 'express';
import { sessionSeconds } from '../../../shared/store/access/web-sessions.ts';

/** Over TLS with the prefix (RFC 6265bis, 4.1.3) that keeps neighbouring hosts from setting it; a browser takes it there only. */
const nameFor = ({ secure }: Request): string => `${secure ? '__Host-' : ''}muster_session`;

/** Not readable by scripts, never sent along from other sites, and over TLS only where there is TLS. */
const options = (request: Request): CookieOptions => ({
  httpOnly: true,
  sameSite: 'strict',
  path: '/',
  secure: request.secure,
});

export function readSessionCookie(request: Request): string | undefined {
  const start = `${nameFor(request)}=`;
  const pairs = (request.get('cookie') ?? '').split(';').map(pair => pair.trim());
  return pairs.find(pair => pair.startsWith(start))?.slice(start.length) || undefined;
}

export const setSessionCookie = (request: Request, response: Response, token: string): void => {
  response.cookie(nameFor(request), token, { ...options(request), maxAge: sessionSeconds * 1000 });
};

export const clearSessionCookie = (request: Request, response: Response): void => {
  response.clearCookie(nameFor(request), options(request));
};

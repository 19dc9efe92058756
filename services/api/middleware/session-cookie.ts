import type { CookieOptions, Request, Response } from 'express';
import { sessionSeconds } from '../../../shared/store/access/web-sessions.ts';

const name = 'muster_session';

/** Not readable by scripts, never sent along from other sites, and over TLS only where there is TLS. */
const options = (request: Request): CookieOptions => ({
  httpOnly: true,
  sameSite: 'strict',
  path: '/',
  secure: request.secure,
});

export function readSessionCookie(request: Request): string | undefined {
  const pairs = (request.get('cookie') ?? '').split(';').map(pair => pair.trim());
  const found = pairs.find(pair => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1) || undefined;
}

export const setSessionCookie = (request: Request, response: Response, token: string): void => {
  response.cookie(name, token, { ...options(request), maxAge: sessionSeconds * 1000 });
};

export const clearSessionCookie = (request: Request, response: Response): void => {
  response.clearCookie(name, options(request));
};

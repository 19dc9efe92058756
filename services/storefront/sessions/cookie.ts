import type { CookieOptions, Request, Response } from 'express';

const name = 'session';

/** A session's life, from its login on. */
export const sessionSeconds = 24 * 60 * 60;

/** Without `Secure`, since the shop is served over plain HTTP: browsers would not send the cookie back. */
const options: CookieOptions = { httpOnly: true, sameSite: 'lax', path: '/' };

export function setSessionCookie(response: Response, token: string): void {
  response.cookie(name, token, { ...options, maxAge: sessionSeconds * 1000 });
}

export function clearSessionCookie(response: Response): void {
  response.clearCookie(name, options);
}

/** The token that the request carries; undefined without one. Tokens are base64url: nothing to decode. */
export function sessionTokenOf(request: Request): string | undefined {
  const pairs = request.headers.cookie?.split(';').map(pair => pair.trim()) ?? [];
  const found = pairs.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return found === '' ? undefined : found;
}

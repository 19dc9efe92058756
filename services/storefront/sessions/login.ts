import express, { type RequestHandler, type Router } from 'express';
import { z } from 'zod';
import { newToken, tokenDigest } from '../../../shared/platform/crypto.ts';
import { verifyPassword } from '../../../shared/platform/passwords/password.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';
import { refuse } from '../errors.ts';
import { parse } from '../refusal.ts';
import { sessionSeconds, setSessionCookie } from './cookie.ts';
import { findByLogin, openSession } from './store.ts';

const bodyLimitBytes = 16 * 1024;
const mediaTypes = ['application/json', 'application/x-www-form-urlencoded'];

const credentials = z.object({
  /** A username or an email address. Postgres has no NUL in text, so no user can have one. */
  username: z
    .string()
    .min(1)
    .max(255)
    .refine(text => !text.includes('\u0000'), 'must not contain NUL'),
  password: z.string().min(1).max(1024),
});

const acceptOnly: RequestHandler = (request, response, next) => {
  if (request.is(mediaTypes) !== false) return next();
  refuse(response, 415, 'unsupported_media_type', `Send ${mediaTypes.join(' or ')}`);
};

/** `POST /login`: username and password for a session cookie and the user's profile. */
export function loginRoutes({ db }: { db: Executor }): Router {
  const parsers = [
    express.json({ limit: bodyLimitBytes }),
    express.urlencoded({ extended: false, limit: bodyLimitBytes }),
  ];
  return express.Router().post('/login', acceptOnly, ...parsers, async (request, response) => {
    const user = await authenticate(db, parse(credentials, request.body, 'body'));
    if (user === undefined) return refuse(response, 401, 'invalid_credentials');
    const token = newToken('shop');
    const session = { userId: user.id, tokenHash: tokenDigest(token), lifetimeSeconds: sessionSeconds };
    if (!(await openSession(db, session))) return refuse(response, 401, 'invalid_credentials');
    response.locals.username = user.username;
    setSessionCookie(response, token);
    response.json({ user });
  });
}

/** An unknown user costs as much as a wrong password, and gets the same answer. */
async function authenticate(db: Executor, { username, password }: z.infer<typeof credentials>) {
  const found = await findByLogin(db, username);
  if (!(await verifyPassword(found?.passwordHash, password)) || found === undefined) return undefined;
  const { passwordHash: _passwordHash, ...profile } = found;
  return profile;
}

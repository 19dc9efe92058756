import type { Request, Response } from 'express';
import { tokenDigest } from '../../../shared/platform/crypto.ts';
import type { Sql } from '../../../shared/platform/postgres/db.ts';
import { Refusal } from '../refusal.ts';
import { sessionTokenOf } from './cookie.ts';
import { findBySession, type Profile } from './store.ts';

declare global {
  namespace Express {
    interface Locals {
      /** Who asks, once a handler has looked: for the access log. */
      username?: string;
    }
  }
}

/** Whoever is logged in; throws a 401 when nobody is. */
export async function currentUser(sql: Sql, request: Request, response: Response): Promise<Profile> {
  const token = sessionTokenOf(request);
  const user = token === undefined ? undefined : await findBySession(sql, tokenDigest(token));
  if (user === undefined) throw new Refusal(401, 'unauthenticated');
  response.locals.username = user.username;
  return user;
}

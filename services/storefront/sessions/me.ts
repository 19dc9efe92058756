import { Router as createRouter, type Router } from 'express';
import { tokenDigest } from '../../../shared/platform/crypto.ts';
import type { Executor } from '../../../shared/platform/db.ts';
import { refuse } from '../errors.ts';
import { sessionTokenOf } from './cookie.ts';
import { findBySession } from './store.ts';

/** `GET /me`: the profile of whoever is logged in. */
export const meRoutes = ({ db }: { db: Executor }): Router =>
  createRouter().get('/me', async (request, response) => {
    const token = sessionTokenOf(request);
    const user = token === undefined ? undefined : await findBySession(db, tokenDigest(token));
    if (user === undefined) return refuse(response, 401, 'unauthenticated');
    response.json({ user });
  });

import { Router as createRouter, type Router } from 'express';
import { tokenDigest } from '../../../shared/platform/crypto.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';
import { clearSessionCookie, sessionTokenOf } from './cookie.ts';
import { closeSession } from './store.ts';

/** `POST /logout`: ends the session, if there is one; 204 either way. */
export const logoutRoutes = ({ db }: { db: Executor }): Router =>
  createRouter().post('/logout', async (request, response) => {
    const token = sessionTokenOf(request);
    if (token !== undefined) await closeSession(db, tokenDigest(token));
    clearSessionCookie(response);
    response.status(204).end();
  });

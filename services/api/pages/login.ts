import { fileURLToPath } from 'node:url';
import express, { type ErrorRequestHandler, type RequestHandler, type Response, Router } from 'express';
import { AppError } from '../../../shared/kernel/errors.ts';
import type { Db } from '../../../shared/platform/postgres/db.ts';
import { identifyKey } from '../../../shared/store/access/api-keys.ts';
import { closeSession, openSession } from '../../../shared/store/access/web-sessions.ts';
import { tellDeed } from '../deed.ts';
import { staticFiles } from '../middleware/methods.ts';
import { publicError, statusOf } from '../middleware/problem.ts';
import { readBody } from '../middleware/read-body.ts';
import { refuseOtherSites } from '../middleware/sender.ts';
import { clearSessionCookie, readSessionCookie, setSessionCookie } from '../middleware/session-cookie.ts';
import { localPath } from './local-path.ts';
import { loginPage, logoutPage } from './login-page.ts';

const assets = fileURLToPath(new URL('assets/', import.meta.url));

export interface LoginDeps {
  db: Db;
  /** Counts login attempts by address. */
  limit: RequestHandler;
  /** Where a login leads that came from nowhere. */
  home: string;
}

const page = (response: Response, status: number, content: string) => {
  response.status(status).set('Cache-Control', 'no-store').type('html').send(content);
};

/** `/login` and `/logout`, each to look at and to send: an API key becomes a cookie for the pages of this site. */
export function loginPages({ db, limit, home }: LoginDeps): Router {
  const router = Router();
  const nextOf = (fields: Record<string, unknown> | undefined) => localPath(fields?.next, home);

  const showProblem: ErrorRequestHandler = (thrown, request, response, next) => {
    const error = publicError(thrown);
    if (statusOf[error.code] >= 500) return next(thrown);
    if (error.retryAfterSeconds) response.set('Retry-After', String(Math.ceil(error.retryAfterSeconds)));
    page(response, statusOf[error.code], loginPage({ next: nextOf(request.body), message: error.message }));
  };

  const logIn: RequestHandler = async (request, response) => {
    const key: unknown = request.body?.api_key;
    const found = typeof key === 'string' ? await identifyKey(db, key.trim()) : undefined;
    if (found === undefined) throw new AppError('unauthenticated', 'This is not a valid API key.');
    setSessionCookie(request, response, await openSession(db, found.id));
    const actor = { keyId: found.id, name: found.name, role: found.role };
    await tellDeed({ db, actor, requestId: String(request.id) }, 'web-sessions.open');
    response.redirect(303, nextOf(request.body));
  };
  const formReader = express.urlencoded({ extended: false, limit: '8kb' });
  const readForm: RequestHandler = async (request, response, next) => {
    await readBody(formReader, request, response);
    next();
  };

  const ofThisSite: RequestHandler = (request, _response, next) => {
    refuseOtherSites(request); // else a page elsewhere could log its reader in as somebody else, or out
    next();
  };

  router.use('/assets/pages', staticFiles(assets, { index: false }));
  router.get('/login', (request, response) =>
    page(response, 200, loginPage({ next: nextOf({ ...request.query }) })),
  );
  router.post('/login', ofThisSite, limit, readForm, logIn, showProblem);
  router.get('/logout', (_request, response) => page(response, 200, logoutPage()));
  router.post('/logout', ofThisSite, async (request, response) => {
    const session = readSessionCookie(request);
    if (session !== undefined) await closeSession(db, session);
    clearSessionCookie(request, response);
    response.redirect(303, '/login');
  });
  return router;
}

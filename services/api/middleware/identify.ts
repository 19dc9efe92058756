import type { Request, RequestHandler } from 'express';
import { type Role, roles } from '../../../shared/http/operation.ts';
import { AppError } from '../../../shared/kernel/errors.ts';
import type { Db } from '../../../shared/platform/postgres/db.ts';
import { identifyKey } from '../../../shared/store/access/api-keys.ts';
import { identifySession } from '../../../shared/store/access/web-sessions.ts';
import type { Actor } from '../route.ts';
import { refuseOtherSites, requireOwnPages } from './sender.ts';
import { readSessionCookie } from './session-cookie.ts';

declare global {
  namespace Express {
    interface Request {
      /** Set by `identify`; absent for a caller without a valid key or session. */
      actor?: Actor;
      /** Whether that key or session is good still: for answers that go on for long. */
      isStillKnown?: () => Promise<boolean>;
    }
  }
}

const anonymous: Actor = { keyId: null, name: 'anonymous', role: 'admin' };

const bearer = /^Bearer +(\S+)$/i;

function presentedKey(request: Request): string | undefined {
  return request.get('x-api-key') ?? bearer.exec(request.get('authorization') ?? '')?.[1];
}

async function actorOf(db: Db, request: Request): Promise<Actor | undefined> {
  const key = presentedKey(request);
  const session = readSessionCookie(request);
  if (key === undefined && session !== undefined) requireOwnPages(request);
  const found =
    key !== undefined
      ? await identifyKey(db, key)
      : session !== undefined && (await identifySession(db, session));
  return found ? { keyId: found.id, name: found.name, role: found.role } : undefined;
}

/** Finds out who is asking: by `X-API-Key`, by `Authorization: Bearer`, or by the cookie of the login page. */
export const identify =
  ({ db, disableAuth }: { db: Db; disableAuth: boolean }): RequestHandler =>
  async (request, _response, next) => {
    if (disableAuth) refuseOtherSites(request);
    const actor = disableAuth ? anonymous : await actorOf(db, request);
    if (actor !== undefined) request.actor = actor;
    request.isStillKnown = async () => disableAuth || (await actorOf(db, request)) !== undefined;
    next();
  };

/** The caller, who must have at least this role: 401 without a valid key, 403 below the role. */
export function requireActor(request: Request, role: Role): Actor {
  const { actor } = request;
  if (actor === undefined) {
    throw new AppError('unauthenticated', 'There is no valid API key in the request', {
      hint: 'Send it as X-API-Key or as Authorization: Bearer.',
    });
  }
  if (roles.indexOf(actor.role) < roles.indexOf(role)) {
    throw new AppError('forbidden', `This needs the role ${role}; the key ${actor.name} is ${actor.role}`);
  }
  return actor;
}

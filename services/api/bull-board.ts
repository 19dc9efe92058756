import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { type Express, type RequestHandler, Router } from 'express';
import type { Db } from '../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../shared/platform/queue/client.ts';
import { listWorkers } from '../../shared/store/workers.ts';
import { tellDeed } from './deed.ts';
import { requireActor } from './middleware/identify.ts';
import { refuseOtherMethods } from './middleware/methods.ts';
import { explainBodyError } from './middleware/read-body.ts';
import { securityHeadersWithInlineStyles } from './middleware/security-headers.ts';
import { isRead } from './middleware/sender.ts';

export interface BullBoardDeps {
  queue: Pick<QueueClient, 'bullQueues'>;
  db: Db;
  guards: RequestHandler[];
}

export const bullBoardPath = '/admin/queues';

const requireLogin: RequestHandler = (request, _response, next) => {
  requireActor(request, isRead(request) ? 'viewer' : 'admin');
  next();
};

/** Bull Board has no transaction that the line could be part of: it is there before the deed, also of one that fails then. */
const tellDeedsTo =
  (db: Db): RequestHandler =>
  async (request, _response, next) => {
    if (!isRead(request)) {
      const call = { db, actor: requireActor(request, 'admin'), requestId: String(request.id) };
      await tellDeed(call, 'bull-board.act', `${request.method} ${request.path}`);
    }
    next();
  };

type BullQueue = ReturnType<QueueClient['bullQueues']>[number];

/**
 * A queue as Bull Board sees it, with Muster's own list of workers: Bull Board asks the store for connected clients,
 * which on Postgres are not told apart by queue.
 */
class QueueWithWorkers extends BullMQAdapter {
  private readonly db: Db;

  constructor(queue: BullQueue, db: Db, { readOnlyMode }: { readOnlyMode: boolean }) {
    super(queue, { readOnlyMode });
    this.db = db;
  }

  override async getWorkers(): ReturnType<BullMQAdapter['getWorkers']> {
    const alive = (await listWorkers(this.db)).filter(({ status }) => status === 'alive');
    return alive.map(({ id, name, host, startedAt }) => ({
      id,
      name,
      addr: host,
      age: Math.round((Date.now() - startedAt.getTime()) / 1000),
    }));
  }
}

/** Ways out of Bull Board, which has none of its own. */
const miscLinks = [
  { text: 'Dashboard', url: '/dashboard' },
  { text: 'API reference', url: '/api/docs' },
  { text: 'Log out', url: '/logout' },
];

/** @param readOnlyMode without the buttons that would be refused */
function boardOf({ queue, db }: BullBoardDeps, readOnlyMode: boolean): RequestHandler {
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(bullBoardPath);
  createBullBoard({
    queues: queue.bullQueues().map(each => new QueueWithWorkers(each, db, { readOnlyMode })),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Muster', miscLinks } },
  });
  // Its own handler, which it sets as it is made, may answer with a stack trace: what is thrown on becomes a problem.
  serverAdapter.setErrorHandler(error => {
    throw explainBodyError(error);
  });
  const board: Express = serverAdapter.getRouter();
  refuseOtherMethods(board.router);
  return board;
}

/**
 * Bull Board on every queue, behind the login: viewers and operators look, admins act. It shows job payloads, which are
 * pointers and never hold secrets.
 */
export function bullBoard(deps: BullBoardDeps): Router {
  const [toLook, toAct] = [boardOf(deps, true), boardOf(deps, false)];
  const router = Router();
  router.use(
    securityHeadersWithInlineStyles(),
    ...deps.guards,
    requireLogin,
    tellDeedsTo(deps.db),
    (request, response, next) => (request.actor?.role === 'admin' ? toAct : toLook)(request, response, next),
  );
  return router;
}

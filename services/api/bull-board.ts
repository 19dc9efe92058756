import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { type RequestHandler, Router } from 'express';
import type { QueueClient } from '../../shared/platform/queue/client.ts';
import { requireActor } from './middleware/identify.ts';
import { securityHeadersWithInlineStyles } from './middleware/security-headers.ts';

export const bullBoardPath = '/admin/queues';

/** A browser is sent to the login page; anything else gets the 401 that the API gives. */
const requireLogin: RequestHandler = (request, response, next) => {
  const isPage = request.method === 'GET' && request.accepts(['json', 'html']) === 'html';
  if (request.actor === undefined && isPage) {
    response.redirect(303, `/login?next=${encodeURIComponent(request.originalUrl)}`);
    return;
  }
  requireActor(request, ['GET', 'HEAD'].includes(request.method) ? 'viewer' : 'admin');
  next();
};

/**
 * Bull Board on every queue, behind the login: viewers look, admins act. It shows job payloads, which are pointers
 * and never hold secrets.
 */
export function bullBoard(queue: Pick<QueueClient, 'bullQueues'>, guards: RequestHandler[]): Router {
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(bullBoardPath);
  createBullBoard({
    queues: queue.bullQueues().map(each => new BullMQAdapter(each)),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Muster' } },
  });
  const router = Router();
  router.use(securityHeadersWithInlineStyles(), ...guards, requireLogin, serverAdapter.getRouter());
  return router;
}

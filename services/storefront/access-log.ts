import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { messageOf } from '../../shared/kernel/errors.ts';
import type { Service } from '../../shared/kernel/lifecycle.ts';
import type { Logger } from '../../shared/platform/log.ts';

/** nginx's status for a connection that was gone before the answer was out. */
const unanswered = 499;

export interface AccessLog extends Service {
  readonly middleware: RequestHandler;
}

/**
 * A file with one JSON line for each request that reached the shop, in the order in which they ended, those included
 * whose client went away (status 499): who counts what was sent can count here what came. `time` is the arrival,
 * `ms` the time until the answer was out, `username` who asked, where the handler looked at the session.
 * `stop` waits for the requests under way: stop the server first.
 */
export async function openAccessLog(path: string, logger: Logger): Promise<AccessLog> {
  const file = await open(path, 'a');
  const lines = file.createWriteStream(); // what comes during a write is gathered for the next
  lines.on('error', error => logger.error({ reason: messageOf(error) }, 'the access log cannot be written'));
  const followEnd = createEndFollower();
  const quiet = Promise.withResolvers<void>();
  let underWay = 0;
  let stopping = false;

  const middleware: RequestHandler = (request, response, next) => {
    const arrival = { time: new Date(), ms: performance.now() };
    underWay += 1;
    followEnd(request.socket, response, () => {
      lines.write(`${JSON.stringify(lineOf(request, response, arrival))}\n`);
      underWay -= 1;
      if (stopping && underWay === 0) quiet.resolve();
    });
    next();
  };

  return {
    name: 'access log',
    middleware,
    async stop() {
      stopping = true;
      if (underWay > 0) await quiet.promise;
      if (lines.destroyed) return; // it failed, which was logged
      lines.end();
      await once(lines, 'close');
    },
  };
}

const lineOf = (request: Request, response: Response, arrival: { time: Date; ms: number }) => ({
  time: arrival.time.toISOString(),
  method: request.method,
  path: request.originalUrl,
  status: response.writableFinished ? response.statusCode : unanswered,
  ms: Math.round((performance.now() - arrival.ms) * 1000) / 1000,
  user_agent: request.headers['user-agent'],
  username: response.locals.username,
});

/**
 * Calls back once for each answer: when it is out, or its connection is gone. The connection is watched too, since
 * answers that wait for their turn on it (a client may send several requests ahead) are told nothing when it closes.
 */
function createEndFollower() {
  const waiting = new WeakMap<Socket, Set<() => void>>();

  function waitingOn(socket: Socket): Set<() => void> {
    const known = waiting.get(socket);
    if (known !== undefined) return known;
    const ends = new Set<() => void>();
    waiting.set(socket, ends);
    socket.once('close', () => {
      for (const end of ends) end();
    });
    return ends;
  }

  return (socket: Socket, response: Response, onEnd: () => void): void => {
    const ends = waitingOn(socket);
    const end = () => {
      if (ends.delete(end)) onEnd();
    };
    ends.add(end);
    response.once('close', end);
  };
}

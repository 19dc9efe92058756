import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { Reply, StreamReply } from '../route.ts';

async function sendStream(response: Response, reply: StreamReply): Promise<void> {
  response.flushHeaders();
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  try {
    await pipeline(Readable.from(reply.stream), response);
  } catch (error) {
    // A client that went away is its own business; what broke on our side ends in the log, and cuts the answer.
    if (!response.destroyed || response.writableFinished) throw error;
    response.req.log.debug({ err: error }, 'the stream ended early');
  }
}

/** Sends what a handler answered. */
export async function send(response: Response, reply: Reply): Promise<void> {
  response.status(reply.status).set({ 'Cache-Control': 'no-store', ...reply.headers });
  if ('stream' in reply) return sendStream(response, reply);
  if (reply.body === undefined) response.end();
  else response.type('json').send(JSON.stringify(reply.body));
}

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { isAppError } from '../../../shared/kernel/errors.ts';
import type { Reply, StreamReply } from '../route.ts';

/** The client went away, or the process stops: nobody's fault. */
function isGoodbye(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR' || isAppError(error, 'cancelled');
}

async function sendStream(response: Response, reply: StreamReply): Promise<void> {
  response.flushHeaders();
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  try {
    await pipeline(Readable.from(reply.stream), response);
  } catch (error) {
    // The status is sent already: all that is left is to cut the answer, which the pipeline did, and to say so.
    response.req.log[isGoodbye(error) ? 'debug' : 'error']({ err: error }, 'the stream ended early');
  }
}

/** Sends what a handler answered. */
export async function send(response: Response, reply: Reply): Promise<void> {
  response.status(reply.status).set({ 'Cache-Control': 'no-store', ...reply.headers });
  if ('stream' in reply) return sendStream(response, reply);
  if (reply.body === undefined) response.end();
  else response.type('json').send(JSON.stringify(reply.body));
}

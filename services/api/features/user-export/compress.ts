import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import type { Request } from 'express';
import type { StreamReply } from '../../route.ts';

const encoders: Record<string, () => Transform> = { zstd: createZstdCompress, gzip: createGzip };

/** The same answer, compressed as the client accepts it: zstd or gzip, whichever it names first or wants more. */
export function compressed(request: Request, reply: StreamReply): StreamReply {
  const accepted = request.acceptsEncodings('zstd', 'gzip', 'identity') || 'identity';
  const headers = { ...reply.headers, Vary: 'Accept-Encoding' };
  const create = encoders[accepted];
  if (create === undefined) return { ...reply, headers };
  return {
    ...reply,
    headers: { ...headers, 'Content-Encoding': accepted },
    stream: through(reply.stream, create),
  };
}

/** Whatever ends the reading ends the source too. */
async function* through(source: StreamReply['stream'], create: () => Transform): AsyncGenerator<Uint8Array> {
  const encoder = create();
  const done = pipeline(Readable.from(source), encoder);
  done.catch(() => {}); // the encoder is destroyed with the same error, which the loop throws
  for await (const piece of encoder) yield piece;
  await done;
}

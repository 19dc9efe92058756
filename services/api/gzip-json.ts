import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Request } from 'express';
import { type StreamReply, stream } from './route.ts';

const compress = promisify(gzip);

/** Answers with JSON, compressed for whoever takes gzip: for answers of thousands of rows. */
export async function gzippedJson(request: Request, body: unknown): Promise<StreamReply> {
  const text = JSON.stringify(body);
  const headers = { 'Cache-Control': 'no-store', Vary: 'Accept-Encoding' };
  if (request.acceptsEncodings('gzip') !== 'gzip')
    return stream('application/json; charset=utf-8', [text], headers);
  const bytes = await compress(text);
  return stream('application/json; charset=utf-8', once(bytes), { ...headers, 'Content-Encoding': 'gzip' });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

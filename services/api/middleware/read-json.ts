import express, { type Request, type Response } from 'express';
import type { Operation } from '../../../shared/http/operation.ts';
import { AppError, messageOf } from '../../../shared/kernel/errors.ts';
import { parseFieldAsWritten } from '../../../shared/kernel/json-as-written.ts';
import { readMediaType } from './media-type.ts';
import { readBody } from './read-body.ts';

/** A body that is larger than this needs an operation that says so, or reads its body as a stream. */
const defaultMaxBodyBytes = 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseJson(bytes: Buffer, asWritten: string | undefined): unknown {
  try {
    const text = utf8.decode(bytes);
    return asWritten === undefined ? JSON.parse(text) : parseFieldAsWritten(text, asWritten);
  } catch (cause) {
    throw new AppError('invalid_json', `The body is not valid JSON: ${messageOf(cause)}`, { cause });
  }
}

function requireJsonType(request: Request): void {
  const header = request.get('content-type');
  const { type, isUtf8 } = readMediaType(header);
  if (type === 'application/json' && isUtf8) return;
  const found = header?.slice(0, 100) || 'no content type';
  throw new AppError('unsupported_media_type', `The body must be application/json in UTF-8, not ${found}`);
}

/** Reads the JSON body of a request; undefined when there is none. */
export function createJsonReader({ maxBodyBytes = defaultMaxBodyBytes, asWritten }: Operation) {
  const reader = express.raw({ type: () => true, limit: maxBodyBytes });
  return async (request: Request, response: Response): Promise<unknown> => {
    const bytes = await readBody(reader, request, response);
    if (!Buffer.isBuffer(bytes) || bytes.length === 0) return undefined;
    requireJsonType(request);
    return parseJson(bytes, asWritten);
  };
}

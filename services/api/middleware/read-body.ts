import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { AppError, messageOf } from '../../../shared/kernel/errors.ts';

/** Runs a reader of body-parser: gives the body, or throws what `explainBodyError` makes of its fault. */
export function readBody(reader: RequestHandler, request: Request, response: Response): Promise<unknown> {
  return new Promise((resolve, reject) => {
    reader(request, response, (error?: unknown) =>
      error ? reject(explainBodyError(error)) : resolve(request.body),
    );
  });
}

/** What body-parser throws; see its README, "Errors". A broken compression has no type. */
const parserError = z.object({
  type: z.string().optional(),
  status: z.number(),
  limit: z.number().optional(),
});

/** A fault of body-parser as an error of ours; anything else as it is. */
export function explainBodyError(error: unknown): unknown {
  const { data: { type, status, limit } = {} } = parserError.safeParse(error);
  if (type === 'entity.too.large')
    return new AppError('payload_too_large', `The body is larger than the limit of ${limit} bytes`);
  if (type === 'parameters.too.many')
    return new AppError('payload_too_large', 'The form has more fields than the limit of 1000');
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new AppError('unsupported_media_type', messageOf(error));
  if (status !== 400) return error;
  return new AppError('invalid_json', `The body cannot be read: ${messageOf(error)}`, { cause: error });
}

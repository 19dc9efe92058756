import type { IncomingMessage } from 'node:http';
import { finished, PassThrough, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { AppError, messageOf, systemCodeOf } from '../../../../../shared/kernel/errors.ts';
import { readMediaType } from '../../../middleware/media-type.ts';

/** The most bytes that a body may have after decompression: far more than a million users need. */
const maxBodyBytes = 4 * 1024 ** 3;

const decoders: Record<string, () => Transform> = {
  identity: () => new PassThrough(),
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** A body as it comes, with the count of what came. */
export interface DecodedBody {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Bytes received so far, still compressed. */
  received(): number;
}

/**
 * The body of a request, decompressed as its Content-Encoding says. However the reading ends, the request is not
 * destroyed: what is left of it is read and thrown away, so that the client gets its answer.
 * @throws AppError `unsupported_media_type`; while it is read, `invalid_json` for what is not as its encoding says or
 *   breaks off, `payload_too_large`, and `cancelled` when the client goes away
 */
export function decodeBody(request: IncomingMessage): DecodedBody {
  if (!readMediaType(request.headers['content-type']).isUtf8)
    throw new AppError('unsupported_media_type', 'The body must be in UTF-8');
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decoder = decoders[encoding]?.();
  if (decoder === undefined) {
    throw new AppError(
      'unsupported_media_type',
      `The content encoding ${encoding.slice(0, 40)} is not known`,
      {
        hint: 'There are gzip, deflate, br and zstd.',
      },
    );
  }
  let received = 0;
  request.on('data', (piece: Uint8Array) => {
    received += piece.length;
  });
  request.pipe(decoder);
  finished(request, error => {
    if (error) decoder.destroy(new AppError('cancelled', 'The client went away', { cause: error }));
  });
  return { bytes: readDecoded(request, decoder), received: () => received };
}

async function* readDecoded(request: IncomingMessage, decoder: Transform): AsyncGenerator<Uint8Array> {
  let total = 0;
  try {
    for await (const piece of decoder) {
      total += piece.length;
      if (total > maxBodyBytes) {
        throw new AppError(
          'payload_too_large',
          `The body is larger than the limit of ${maxBodyBytes} bytes after decompression`,
        );
      }
      yield piece;
    }
  } catch (error) {
    throw explain(error);
  } finally {
    request.unpipe(decoder);
    request.resume();
  }
}

/** Errors of zlib are the client's: the body is not what its encoding says. */
function explain(error: unknown): unknown {
  if (!/^(Z_|ERR_|ZSTD_)/.test(systemCodeOf(error) ?? '')) return error;
  return new AppError('invalid_json', `The body cannot be decompressed: ${messageOf(error)}`, {
    cause: error,
  });
}

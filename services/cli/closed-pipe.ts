import { systemCodeOf } from '../../shared/kernel/errors.ts';

/**
 * A reader that has enough, such as `head`, closes the pipe, and whatever is written to it from then on fails with EPIPE.
 * To the command this is no failure: it does what it was asked to, unheard, and its exit code says how that went.
 */
export function outliveReader(stream: NodeJS.WritableStream): void {
  stream.on('error', rethrowUnlessClosed);
}

/** @throws the error, unless it only says that nobody reads any more */
export function rethrowUnlessClosed(error: unknown): void {
  if (systemCodeOf(error) !== 'EPIPE') throw error;
}

import { messageOf } from '../../../../../shared/kernel/errors.ts';

export class RequestTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(timeoutMs: number) {
    super(`No whole answer within ${timeoutMs} ms`);
  }
}

/** The engine's own limit, not the target's fault. */
export class NoConnectionError extends Error {
  readonly code = 'ERR_NO_CONNECTION';

  constructor(timeoutMs: number) {
    super(
      `No connection became free within ${timeoutMs} ms; the limit of connections is too low for the users`,
    );
  }
}

const longestMessage = 200;

/** One printable line: what a target sends may end up in a message. */
export function cleanMessage(error: unknown): string {
  const line = messageOf(error)
    .replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, ' ')
    .trim();
  return line.length > longestMessage ? `${line.slice(0, longestMessage - 1)}…` : line;
}

import { createHash } from 'node:crypto';
import { refuse } from '../../../shared/http/faults.ts';
import { type Operation, takesIdempotencyKey } from '../../../shared/http/operation.ts';
import { AppError } from '../../../shared/kernel/errors.ts';
import { parseAsWritten } from '../../../shared/kernel/json-as-written.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';
import {
  claimIdempotencyKey,
  findAnswer,
  type IdempotentRequest,
  type StoredAnswer,
  storeAnswer,
} from '../../../shared/store/access/idempotency.ts';
import type { Reply, UntypedCall } from '../route.ts';

const header = 'Idempotency-Key';
const usable = /^[\x21-\x7e]{1,255}$/;

/** The keyed request, or undefined when it has no key (or is one for which keys mean nothing). */
export function idempotentRequest(
  operation: Operation,
  { request, actor, body }: Pick<UntypedCall, 'request' | 'actor' | 'body'>,
): IdempotentRequest | undefined {
  const key = request.get(header);
  if (key === undefined || !takesIdempotencyKey(operation)) return undefined;
  if (!usable.test(key)) {
    throw refuse(`header:${header}`, 'invalid_format', 'must be 1 to 255 visible ASCII characters');
  }
  const content = JSON.stringify([request.method, request.originalUrl, body ?? null]);
  return {
    caller: actor.keyId ?? 'anonymous',
    key,
    requestDigest: createHash('sha256').update(content).digest('hex'),
  };
}

function replay(operation: Operation, { status, location, body }: StoredAnswer): Reply {
  if (operation.secretAnswer) {
    throw new AppError('conflict', 'This was done already, and its answer is shown only once', {
      hint: 'Use a new Idempotency-Key to do it again.',
    });
  }
  return {
    status,
    ...(body !== null && { body: parseAsWritten(body) }),
    headers: { 'Idempotency-Replayed': 'true', ...(location !== null && { Location: location }) },
  };
}

/** The answer that this key has had already, if any. */
export async function answeredBefore(
  db: Executor,
  operation: Operation,
  request: IdempotentRequest,
): Promise<Reply | undefined> {
  const stored = await findAnswer(db, request);
  return stored && replay(operation, stored);
}

/**
 * Runs `work` once for this key: in the transaction given, the key is claimed, the work done and its answer
 * stored. When the key had an answer already, gives that. An error rolls all of it back, so errors are not kept.
 */
export async function answerOnce(
  tx: Executor,
  operation: Operation,
  request: IdempotentRequest,
  work: () => Promise<Reply>,
): Promise<Reply> {
  const stored = await claimIdempotencyKey(tx, request);
  if (stored !== undefined) return replay(operation, stored);
  const reply = await work();
  if ('stream' in reply) throw new Error(`${operation.id} streams: declare it with transaction: false`);
  const kept = operation.secretAnswer || reply.body === undefined ? null : JSON.stringify(reply.body);
  await storeAnswer(tx, request, {
    status: reply.status,
    location: reply.headers?.Location ?? null,
    body: kept,
  });
  return reply;
}

import { and, eq, gt, lt, sql } from 'drizzle-orm';
import { idempotencyKeys } from '../../../drizzle/platform/schema/access.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/**
 * Answers kept under an `Idempotency-Key`. Claiming the key, the effect of the request and storing the answer
 * are one transaction: there is never an effect without its answer, nor an answer without its effect. A second
 * request with the same key waits, on the row, for the first one's transaction to end.
 */
export interface IdempotentRequest {
  /** The API key's id, or `anonymous`. */
  caller: string;
  key: string;
  /** SHA-256 over method, path and body. */
  requestDigest: string;
}

export interface StoredAnswer {
  status: number;
  location: string | null;
  body: string | null;
}

const expiry = sql`now() + interval '24 hours'`;

const at = ({ caller, key }: IdempotentRequest) =>
  and(eq(idempotencyKeys.caller, caller), eq(idempotencyKeys.key, key));

/**
 * Claims the key inside the caller's transaction. Undefined: it is new (or was expired), go on. Otherwise the
 * answer of the request that had it; `idempotency_key_reused` when that was another request.
 */
export async function claimIdempotencyKey(
  tx: Executor,
  request: IdempotentRequest,
): Promise<StoredAnswer | undefined> {
  const claimed = await tx
    .insert(idempotencyKeys)
    .values({ ...request, expiresAt: expiry })
    .onConflictDoUpdate({
      target: [idempotencyKeys.caller, idempotencyKeys.key],
      set: { requestDigest: request.requestDigest, status: null, expiresAt: expiry },
      setWhere: lt(idempotencyKeys.expiresAt, sql`now()`),
    })
    .returning({ key: idempotencyKeys.key });
  if (claimed.length > 0) return undefined;
  const [stored] = await tx.select().from(idempotencyKeys).where(at(request));
  return answerIn(stored, request);
}

/** The answer that is kept under the key, without claiming it; `idempotency_key_reused` as above. */
export async function findAnswer(
  db: Executor,
  request: IdempotentRequest,
): Promise<StoredAnswer | undefined> {
  const [stored] = await db
    .select()
    .from(idempotencyKeys)
    .where(and(at(request), gt(idempotencyKeys.expiresAt, sql`now()`)));
  return stored && answerIn(stored, request);
}

function answerIn(
  stored: typeof idempotencyKeys.$inferSelect | undefined,
  request: IdempotentRequest,
): StoredAnswer {
  if (stored?.requestDigest !== request.requestDigest) {
    throw new AppError('idempotency_key_reused', 'This Idempotency-Key was sent with another request', {
      hint: 'Use a new key for each new request.',
    });
  }
  if (stored.status === null) throw new AppError('internal_error', 'A claimed key has no answer');
  return { status: stored.status, location: stored.location, body: stored.body };
}

export async function storeAnswer(
  tx: Executor,
  request: IdempotentRequest,
  answer: StoredAnswer,
): Promise<void> {
  await tx.update(idempotencyKeys).set(answer).where(at(request));
}

export async function pruneIdempotencyKeys(db: Executor): Promise<void> {
  await db.delete(idempotencyKeys).where(lt(idempotencyKeys.expiresAt, sql`now()`));
}

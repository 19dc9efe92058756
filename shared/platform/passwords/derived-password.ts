import { createHmac, randomBytes } from 'node:crypto';

/** A new secret of a batch, 256 random bits in base64url: whoever has it has the passwords of all its users. */
export const newBatchSecret = (): string => randomBytes(32).toString('base64url');

/** One character of each kind that a password policy may ask for. */
const policySuffix = 'aA1!';

/**
 * The password of one slot of a batch: HMAC-SHA-256 of the slot's number under the batch's secret, 120 bits of it, as 24
 * characters. Nothing but the secret is stored, and one password tells nothing of the others.
 */
export const derivePassword = (secret: string, slot: number): string =>
  createHmac('sha256', Buffer.from(secret, 'base64url'))
    .update(`user ${slot}`)
    .digest('base64url')
    .slice(0, 20) + policySuffix;

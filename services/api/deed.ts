import { recordDeed } from '../../shared/store/access/audit-log.ts';
import type { CallContext } from './route.ts';

/**
 * Writes into the audit log what this call does, in its transaction.
 * @param action `<noun>.<verb>`
 * @param subject what it is done to
 * @param detail never a secret
 */
export const tellDeed = (
  { db, actor, requestId }: Pick<CallContext, 'db' | 'actor' | 'requestId'>,
  action: string,
  subject?: string,
  detail: Record<string, unknown> = {},
): Promise<void> =>
  recordDeed(db, { actor: actor.name, keyId: actor.keyId, action, subject, detail, requestId });

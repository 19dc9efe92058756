import { and, desc, eq, lt } from 'drizzle-orm';
import { type AuditRow, auditLog } from '../../../drizzle/platform/schema/settings.ts';
import type { Executor } from '../../platform/db.ts';

export interface Deed {
  actor: string;
  keyId?: string | null;
  /** `<noun>.<verb>`: `bulk-users.cleanup`, `settings.change`. */
  action: string;
  /** What the deed was done to. */
  subject?: string | undefined;
  /** Never a secret. */
  detail?: Record<string, unknown>;
  requestId?: string | undefined;
}

/** Writes who did what; call it in the transaction of the deed. */
export async function recordDeed(tx: Executor, ...deeds: Deed[]): Promise<void> {
  if (deeds.length > 0) await tx.insert(auditLog).values(deeds);
}

/** Deeds, newest first: those of an actor, of an action, to a subject, or all. */
export function listDeeds(
  db: Executor,
  filter: {
    actor?: string | undefined;
    action?: string | undefined;
    subject?: string | undefined;
    before?: number | undefined;
    limit: number;
  },
): Promise<AuditRow[]> {
  const { actor, action, subject, before, limit } = filter;
  return db
    .select()
    .from(auditLog)
    .where(
      and(
        actor === undefined ? undefined : eq(auditLog.actor, actor),
        action === undefined ? undefined : eq(auditLog.action, action),
        subject === undefined ? undefined : eq(auditLog.subject, subject),
        before === undefined ? undefined : lt(auditLog.id, before),
      ),
    )
    .orderBy(desc(auditLog.id))
    .limit(limit);
}

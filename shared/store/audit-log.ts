import { auditLog } from '../../drizzle/platform/schema/settings.ts';
import type { Executor } from '../platform/db.ts';

export interface Deed {
  actor: string;
  /** `<noun>.<verb>`: `bulk-users.cleanup`, `settings.change`. */
  action: string;
  /** What it was done to. */
  subject?: string | undefined;
  /** Never a secret. */
  detail?: Record<string, unknown>;
  requestId?: string | undefined;
}

/** Writes who did what; call it in the transaction of the deed. */
export async function recordDeed(tx: Executor, ...deeds: Deed[]): Promise<void> {
  if (deeds.length > 0) await tx.insert(auditLog).values(deeds);
}

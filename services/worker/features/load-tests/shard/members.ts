import { AppError } from '../../../../../shared/kernel/errors.ts';
import type { Vault } from '../../../../../shared/platform/crypto.ts';
import { openSession } from '../../../../../shared/store/accounts/account-session-secrets.ts';
import type { HeldAccount } from '../../../../../shared/store/load-tests/account-leases.ts';
import type { EngineAccount } from '../engine/plan.ts';

/** One account on a shard, opened: its password and its session, as far as there are any. */
export interface Member {
  id: string;
  username: string;
  password: string | undefined;
  /** The newest session; undefined when there is none. */
  session: EngineAccount | undefined;
  /** The session that its users began with; undefined when there was none. */
  first: EngineAccount | undefined;
  /** The login under way for it: everybody who wants a session meanwhile waits for this one. */
  login: Promise<string | undefined> | undefined;
}

/** A secret under another key is as good as none: the account logs in anew, or cannot. */
export function memberOf(vault: Vault, { id, username, sealedPassword, sealedSession }: HeldAccount): Member {
  const headers = readable(sealedSession, sealed => openSession(vault, sealed));
  const session = headers && { username, headers };
  return {
    id,
    username,
    password: readable(sealedPassword, vault.open),
    ...{ session, first: session },
    login: undefined,
  };
}

function readable<T>(sealed: string | null, open: (sealed: string) => T): T | undefined {
  try {
    return sealed === null ? undefined : open(sealed);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** By the position of their users: `unique` leaves the places free whose accounts were deleted meanwhile. */
export function arrange(
  members: readonly Member[],
  numbers: readonly number[],
  { shard, shards, unique }: { shard: number; shards: number; unique: boolean },
): (Member | undefined)[] {
  if (!unique) return [...members];
  const byPosition = new Map(
    members.map((member, index) => [((numbers[index] ?? 0) - shard) / shards, member]),
  );
  const length = Math.max(0, ...[...byPosition.keys()].map(position => position + 1));
  return Array.from({ length }, (_, position) => byPosition.get(position));
}

import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import type { Choice, Entry, Scope } from '../../../../../shared/store/accounts/account-digests.ts';
import type { Bucket, Fold, SubDigests } from '../../../../../shared/store/accounts/bucket-comparison.ts';
import type { ApplicationUser } from '../../../../../shared/store/user-sync/synced-users.ts';

/** A user as it travels: the fields of the export document. */
export interface SyncUser extends Omit<ApplicationUser, 'id'> {
  /** The key in the application; null where it is not known. */
  id: string | null;
  /** In clear, between two processes only; absent when it is not known, or not to be told. */
  password?: string | undefined;
}

/** One side of a sync, as far as it is compared. */
export interface Side {
  buckets(scope: Scope): Promise<Bucket[]>;
  /** All of them in one: enough to prove that two sides are the same. */
  fold(scope: Scope): Promise<Fold>;
  /** The smaller buckets within some buckets. */
  subBuckets(scope: Scope, buckets: number[]): Promise<SubDigests[]>;
  entries(scope: Scope, choice: Choice): Promise<Entry[]>;
  /** What its hash function makes of known text, and its clock in milliseconds. */
  probe(): Promise<{ probe: string; now: number }>;
}

/** A user whom both sides had changed, and whose state holds; undefined when nobody may write it. */
export interface Conflict {
  username: string;
  winner: 'application' | 'load_tester' | undefined;
}

/** Some of the load tester's users: as many as memory may well hold. */
export interface UserPage {
  users: SyncUser[];
  /** Users who cannot be taken, and why. */
  faults: SyncFault[];
}

export interface UserDigest {
  username: string;
  digest: string | null;
}

/** What a chunk wants to be true at the target. */
export interface TargetChanges {
  users: SyncUser[];
  /** Usernames among them that the target has, or had. */
  existing: ReadonlySet<string>;
  /** The same users with the digests that they will have. */
  written: UserDigest[];
  /** Usernames. */
  deletions: string[];
  /** Users who are the same on both sides now, with their digest; null for those whom neither has. */
  settled: UserDigest[];
}

export interface TargetOutcome {
  created: number;
  updated: number;
  /** Sent, and found to be the same already. */
  unchanged: number;
  deleted: number;
  /** Users who were not written. */
  failed: number;
  /** Why, of the first of them at least. */
  faults: SyncFault[];
}

/** The load tester's side. */
export interface Target extends Side {
  /** The digests of the last sync of these users; the built-in pool gives its own with `entries`. */
  bases(usernames: readonly string[]): Promise<Map<string, string>> | undefined;
  /** Users with all their fields, for the application to take over; with passwords, as far as they may be told. */
  users(usernames: readonly string[], options: { withPasswords: boolean }): AsyncIterable<UserPage>;
  /**
   * Writes, and in the transaction of what it writes to Muster's own database, `conclude`. Doing it twice is the same as
   * doing it once.
   */
  apply(
    changes: TargetChanges,
    conclude: (tx: Executor, outcome: TargetOutcome) => Promise<void>,
  ): Promise<void>;
  /** Both sides are the same, and this is the target's: notes it for all users in scope for whom it is not noted. */
  settleAll(scope: Scope, application: Side, fold: Fold): Promise<void>;
  /** Bytes moved until now. */
  bytesMoved(): number;
}

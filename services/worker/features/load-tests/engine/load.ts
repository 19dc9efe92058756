import type { EngineControl } from './plan.ts';
import type { VirtualUser } from './virtual-user.ts';

/** Drives the users of one engine: by think times (closed model) or by arrivals (open model). */
export interface Load {
  /** `elapsedMs`: the moment of the run from which on it is this load's. */
  start(elapsedMs: number): void;
  /** Takes what has changed; the load keeps to it from now on. */
  apply(control: EngineControl): void;
  /** Something admits requests again: the end of a pause, or the breaker. */
  wake(): void;
  finished(user: VirtualUser, lost: boolean): void;
  woken(user: VirtualUser): void;
  /**
   * Starts nothing more; users without a request under way are done at once. At the schedule's own end, arrivals that
   * were due before it and are late still start; a second call, not at the end, gives those up too.
   */
  stop(atEnd: boolean): void;
  /** Users that run: in the closed model those in their loop, in the open model those with a request. */
  readonly running: number;
  /** Users that exist, those that stand by included. */
  readonly allocated: number;
  users(): readonly VirtualUser[];
}

export interface LoadDeps {
  share: { index: number; count: number };
  /** Milliseconds of the run; negative before its start. */
  elapsedMs(): number;
  /** Whether a request may start now: neither paused nor held by the breaker. Asking may use up a breaker's probe. */
  admits(): boolean;
  /** `position` is the user's place among those of this engine; `index` its number in the whole run. */
  createUser(position: number, index: number): VirtualUser;
  /** The most users that may have a request at the same time. */
  setUsers(users: number): void;
  /** Called when the load is stopped and its last user is done. */
  onDone(): void;
}

import type { ConflictPolicy, SyncDirection } from '../../../../../shared/contracts/user-sync.ts';

/**
 * What a sync does about one user, from three states: the application's, the target's, and the one that both had after
 * the last sync (the base). A side that is not as the base was changed since; where there is no base, whoever has the
 * user made it.
 *
 *   same on both sides ─────────────► settle: only the base is brought up to date
 *   changed on one side ────────────► the other side follows, as far as the direction lets it
 *   changed on both ────────────────► a conflict: the policy says whose state holds
 *   one way, the receiver changed ──► the sender's state is restored, unless the policy is the receiver's
 *   one way, only the receiver has it, and never had it from here ──► left alone; a full sync deletes it
 */
interface SideState {
  /** Null when the side does not have the user. */
  digest: string | null;
  /** Of the change, or of the deletion; undefined when nobody knows. In milliseconds, on the application's clock. */
  changedAt: number | undefined;
}

export interface Rules {
  direction: SyncDirection;
  policy: ConflictPolicy;
  /** No base counts, and the receiver of a one-way sync ends up with the sender's users and no others. */
  full: boolean;
}

export type SideName = 'application' | 'load_tester';

export type Decision =
  | { do: 'settle' }
  /** The user stays different: nobody may write, or nobody wants to. */
  | { do: 'leave'; conflict: boolean }
  /** `at` takes over what the other side has, a deletion included. */
  | { do: 'write' | 'delete'; at: SideName; conflict: boolean };

export interface ThreeStates {
  application: SideState;
  target: SideState;
  base: string | null;
}

export function decide({ application, target, base: kept }: ThreeStates, rules: Rules): Decision {
  if (application.digest === target.digest) return { do: 'settle' };
  const base = rules.full ? null : kept;
  const applicationChanged = application.digest !== base;
  const targetChanged = target.digest !== base;
  const conflict =
    applicationChanged && targetChanged && application.digest !== null && target.digest !== null;
  const deletedAndChanged = applicationChanged && targetChanged && base !== null;
  const disputed = conflict || deletedAndChanged;
  const winner = disputed
    ? winnerOf(application, target, rules)
    : winnerOfOne(applicationChanged, { application, target, base }, rules);
  return follow(winner, { application, target }, rules, disputed);
}

/** Only one side changed: it wins, except over the sender of a one-way sync. */
function winnerOfOne(
  applicationChanged: boolean,
  { application, target, base }: ThreeStates,
  { direction, policy, full }: Rules,
): SideName {
  const changed = applicationChanged ? 'application' : 'load_tester';
  const sender = senderOf(direction);
  if (sender === undefined || changed === sender || policy === changed) return changed;
  const senderState = sender === 'application' ? application : target;
  const isOwn = base === null && senderState.digest === null;
  return isOwn && !full ? changed : sender;
}

const senderOf = (direction: SyncDirection): SideName | undefined => {
  if (direction === 'bidirectional') return undefined;
  return direction === 'push' ? 'application' : 'load_tester';
};

/** The newer change wins, or the sender of a full one-way sync. A deletion of which nobody knows the time loses: what is kept can still be deleted. */
function winnerOf(application: SideState, target: SideState, { direction, policy, full }: Rules): SideName {
  if (policy !== 'newest') return policy;
  const sender = full ? senderOf(direction) : undefined;
  if (sender !== undefined) return sender;
  if (application.changedAt === undefined) return 'load_tester';
  if (target.changedAt === undefined) return 'application';
  return target.changedAt > application.changedAt ? 'load_tester' : 'application';
}

function follow(
  winner: SideName,
  states: Pick<ThreeStates, 'application' | 'target'>,
  { direction }: Rules,
  conflict: boolean,
): Decision {
  const loser: SideName = winner === 'application' ? 'load_tester' : 'application';
  const sender = senderOf(direction);
  if (sender === loser) return { do: 'leave', conflict };
  const state = winner === 'application' ? states.application : states.target;
  return { do: state.digest === null ? 'delete' : 'write', at: loser, conflict };
}

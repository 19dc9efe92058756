import { AppError } from '../../../../../shared/kernel/errors.ts';
import type { Vault } from '../../../../../shared/platform/crypto.ts';
import type { Db } from '../../../../../shared/platform/postgres/db.ts';
import {
  isLoggedIn,
  type LoginClient,
  type LoginFailureCode,
  type LoginOutcome,
} from '../../../../../shared/platform/target/login-client.ts';
import { createLoginLane, forEachAtOnce } from '../../../../../shared/platform/target/login-lane.ts';
import { newSession } from '../../../../../shared/store/accounts/account-session-secrets.ts';
import { saveSessions } from '../../../../../shared/store/accounts/account-sessions.ts';
import {
  type AccountNeed,
  accountNeedOf,
  takeHeldAccounts,
} from '../../../../../shared/store/load-tests/account-leases.ts';
import type { TakenShard } from '../../../../../shared/store/load-tests/load-shards.ts';
import type { LoginDelta } from '../engine/delta.ts';
import type { AccountList } from '../engine/engine-parts.ts';
import type { EngineAccount } from '../engine/plan.ts';
import { createLoginRecorder } from './login-recorder.ts';
import { arrange, type Member, memberOf } from './members.ts';

export interface PreparedAccounts {
  /** The accounts, each at the position of its user. */
  accounts: AccountList;
  /** Logins that failed, by reason code. */
  failures: Record<string, number>;
}

/** The accounts of a shard's users, with sessions at the target: stored ones, or new ones, which are stored then. */
export interface ShardAccounts {
  /**
   * All of them. Logs in who has no session; who cannot log in goes without.
   */
  prepare(): Promise<PreparedAccounts>;
  /** A new session for the user at a position, after a 401; undefined when there is none to be had. */
  renew(position: number): Promise<EngineAccount | undefined>;
  drainLogins(): LoginDelta;
  /** Ends all logins; those under way reject. */
  stop(): void;
  readonly isStopped: boolean;
}

export interface ShardAccountsDeps {
  db: Db;
  vault: Vault;
  loginClient: Pick<LoginClient, 'logIn'>;
  /** A session that could not be stored: it is used all the same. */
  onUnsaved: (error: unknown) => void;
}

/** Logins of one shard at once: the target is about to be tested, not before. */
const loginsAtOnce = 16;

/** @returns undefined when the run's users have no accounts */
export function createShardAccounts(deps: ShardAccountsDeps, taken: TakenShard): ShardAccounts | undefined {
  const need = accountNeedOf(taken.config);
  return need && openShardAccounts(deps, taken, need);
}

function openShardAccounts(deps: ShardAccountsDeps, taken: TakenShard, need: AccountNeed): ShardAccounts {
  const { db, vault } = deps;
  const unique = need.pool.policy === 'unique';
  const stopping = new AbortController();
  const logins = createLoginRecorder();
  const logIn = createLogIn(deps, need, { signal: stopping.signal, note: logins.note });
  let members: (Member | undefined)[] = [];
  /** What each user has, to tell an old session from the newest: several users may have one account. */
  const given = new Map<number, EngineAccount>();

  return {
    async prepare() {
      const held = await takeHeldAccounts(db, taken, { shards: taken.shards, need });
      const opened = held.map(account => memberOf(vault, account));
      const numbers = held.map(({ number }) => number);
      members = arrange(opened, numbers, { ...taken, unique });
      const failures: Record<string, number> = {};
      const without = opened.filter(({ session }) => session === undefined);
      await forEachAtOnce(without, loginsAtOnce, async member => {
        const code = await logIn(member);
        if (code !== undefined) failures[code] = (failures[code] ?? 0) + 1;
        member.first = member.session;
      });
      const accounts = members.map(member => member && (member.session ?? nameOnly(member)));
      return { accounts, failures };
    },
    async renew(position) {
      const place = position % Math.max(1, members.length);
      const member = members[place];
      if (member === undefined) return undefined;
      const old = given.get(position) ?? member.first;
      if (member.session === undefined || member.session === old) {
        member.login ??= logIn(member).finally(() => {
          member.login = undefined;
        });
        if ((await member.login) !== undefined) return undefined;
      }
      if (member.session !== undefined) given.set(position, member.session);
      return member.session;
    },
    drainLogins: () => logins.drain(),
    stop: () => stopping.abort(new AppError('shutting_down')),
    get isStopped() {
      return stopping.signal.aborted;
    },
  };
}

/** A user whose account cannot log in: the target will say what it thinks of that. */
const nameOnly = ({ username }: Member): EngineAccount => ({ username, headers: {} });

/** Logs a member in and stores its session; gives the reason code when there is none to be had. */
function createLogIn(
  { db, vault, loginClient, onUnsaved }: ShardAccountsDeps,
  { origin, pool }: AccountNeed,
  { signal, note }: { signal: AbortSignal; note: (outcome: LoginOutcome) => void },
): (member: Member) => Promise<LoginFailureCode | undefined> {
  const script = pool.login;
  if (script === null) return async () => 'no_session';
  const lane = createLoginLane({ client: loginClient, origin, script, ratePerSecond: null, signal });

  return async member => {
    const { id, username, password } = member;
    if (password === undefined) return 'no_password';
    const outcome = await lane.logIn({ username, password });
    note(outcome);
    const sessions = [newSession(vault, id, outcome)];
    await saveSessions(db, { origin, sessions }).catch(onUnsaved);
    if (!isLoggedIn(outcome)) return outcome.code;
    member.session = { username, headers: outcome.headers };
    return undefined;
  };
}

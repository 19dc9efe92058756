import { messageOf } from '../../../../../shared/kernel/errors.ts';
import { sleep, waitAtMost } from '../../../../../shared/kernel/time.ts';
import type { Logger } from '../../../../../shared/platform/log.ts';
import type { Db } from '../../../../../shared/platform/postgres/db.ts';
import { appendLoadEvents } from '../../../../../shared/store/load-tests/load-events.ts';
import {
  endShard,
  failShard,
  leaseOf,
  markReady,
  markRunning,
  releaseShard,
  type ShardLease,
  type TakenShard,
} from '../../../../../shared/store/load-tests/load-shards.ts';
import { appendTicks } from '../../../../../shared/store/load-tests/load-ticks.ts';
import type { EngineEvent } from '../engine/delta.ts';
import { type EngineLimits, planOf } from '../plan-of.ts';
import { openSendJournal } from '../send-journal.ts';
import { createShardAccounts, type PreparedAccounts, type ShardAccountsDeps } from './accounts.ts';
import { startEngineThread } from './engine-host.ts';
import { createSaturationWatch } from './saturation-watch.ts';
import { createSendFence } from './send-fence.ts';
import { type Steering, steer } from './steering.ts';
import { tickOf } from './tick-of.ts';
import { createTickOutbox } from './tick-outbox.ts';

/**
 * One shard on its worker: an engine in a thread, and what it measures on its way to Postgres.
 *
 *   assigned ──► ready ──► running ──► ended      the engine has ended, and all that it measured is written
 *       └──────────┴──────────┴──────► lost       its worker stops, or has been cut off for a minute, and hands it
 *                                                 over: another one goes on
 *       └──────────┴──────────┴──────► void       another worker has taken it: the engine is closed, nothing is written
 */
export interface Shard extends Pick<Steering, 'follow' | 'cutOff'> {
  readonly lease: ShardLease;
  /** The lease is void. */
  drop(): void;
  /** Ends the engine, writes what it measured, and gives the shard up. */
  handOver(): Promise<void>;
  /** Resolves when nothing of the shard runs any more on this worker. */
  readonly done: Promise<void>;
}

export interface ShardDeps extends Pick<ShardAccountsDeps, 'vault' | 'loginClient'> {
  db: Db;
  worker: string;
  /** Where workers count what they send. */
  sendJournals: string;
  limits: EngineLimits;
  logger: Logger;
}

type Fate = 'runs' | 'void' | 'handed over';

/** What requests under way may take when the worker stops. */
const handOverMs = 2000;
const retryMs = 500;

export function startShard(deps: ShardDeps, taken: TakenShard): Shard {
  const { db, worker, sendJournals, limits, logger: parent } = deps;
  const lease = leaseOf(taken);
  const logger = parent.child(lease);
  let fate: Fate = 'runs';
  const onUnsaved = (error: unknown) => logger.warn({ reason: messageOf(error) }, 'a session was not stored');
  const accounts = createShardAccounts({ ...deps, onUnsaved }, taken);
  const onUncounted = (reason: string) =>
    logger.warn({ reason }, 'requests of a shard are not counted in a file');
  const journal = attempt(() => openSendJournal(sendJournals, lease), onUncounted);
  const fence = createSendFence();
  const engine = startEngineThread(planOf(taken, limits), {
    renews: accounts !== undefined,
    fence,
    journal: journal?.fd,
  });
  let isPrepared = accounts === undefined;
  /** Events that go with the next tick. */
  const notes: EngineEvent[] = [];
  const steering = steer(engine, {
    fence,
    mayStart: () => isPrepared,
    onStarted: () => void until('running', () => markRunning(db, lease)),
    note: event => void notes.push(event),
  });
  const outbox = createTickOutbox({
    write: ticks => appendTicks(db, lease, ticks),
    onVoid: drop,
    onError: error => logger.warn({ reason: messageOf(error) }, 'ticks wait for Postgres'),
  });
  const watch = createSaturationWatch();
  engine.onDelta(delta => {
    const events = [...delta.events, ...watch(delta), ...notes.splice(0)];
    const known = { ...delta, events, ...(steering.isCutOff && { cutOff: true }) };
    outbox.add(tickOf(lease.shard, known, accounts?.drainLogins()));
  });
  engine.onUnauthorized(renewSession);
  engine.onUncounted(onUncounted);
  const done = run().finally(async () => {
    await engine.terminate();
    attempt(() => journal?.close(), onUncounted);
  });
  for (const end of [done, engine.ended]) void end.catch(() => {}).finally(() => accounts?.stop());

  const cutShort = `${worker} was cut off from Postgres for too long and hands its shard over`;

  function drop(): void {
    fate = 'void';
    steering.abort();
  }

  /** Tries until it is written, or does not matter any more. */
  async function until(state: string, write: () => Promise<void>): Promise<void> {
    while (fate !== 'void') {
      try {
        return await write();
      } catch (error) {
        logger.warn({ reason: messageOf(error), state }, 'the state of a shard waits for Postgres');
        await sleep(retryMs);
      }
    }
  }

  async function run(): Promise<void> {
    const failure = await runEngine();
    const isCutShort = steering.hasGivenUp;
    await outbox.flush();
    if (failure !== undefined) await until('failed', () => failShard(db, lease, failure));
    else if (fate === 'runs' && isCutShort) await until('lost', () => releaseShard(db, lease, cutShort));
    else if (fate === 'runs') await until('ended', () => endShard(db, lease));
  }

  function renewSession(position: number): void {
    const renewed = accounts?.renew(position).catch(() => undefined); // stopped meanwhile
    void renewed?.then(account => engine.setAccount(position, account));
  }

  /** Gives the engine's users their accounts, unless it ends before. */
  async function prepareAccounts(): Promise<void> {
    if (accounts === undefined || accounts.isStopped) return;
    const prepared = await accounts.prepare();
    engine.setAccounts(prepared.accounts);
    isPrepared = true;
    await noteFailedLogins(db, lease, prepared);
  }

  /** Gives why the engine failed, when it did. */
  async function runEngine(): Promise<string | undefined> {
    try {
      await Promise.race([engine.ready, engine.ended]); // it may be stopped before it is ready
      await Promise.race([until('accounts', prepareAccounts), engine.ended]);
      if (isPrepared) await until('ready', () => markReady(db, lease));
      await engine.ended;
    } catch (error) {
      logger.error({ err: error }, 'an engine failed');
      return messageOf(error);
    }
  }

  return {
    lease,
    follow: steering.follow,
    cutOff: steering.cutOff,
    drop,
    async handOver() {
      fate = fate === 'void' ? fate : 'handed over';
      steering.stop();
      await waitAtMost(handOverMs, done);
      steering.abort();
      await done;
      await releaseShard(db, lease, `${worker} stops and hands its shard over`);
    },
    done,
  };
}

/** For the journal: a run without one is as good, until its worker is killed. */
function attempt<T>(work: () => T, onFailure: (reason: string) => void): T | undefined {
  try {
    return work();
  } catch (error) {
    onFailure(messageOf(error));
    return undefined;
  }
}

async function noteFailedLogins(
  db: Db,
  { testId, shard }: ShardLease,
  { accounts, failures }: PreparedAccounts,
): Promise<void> {
  const reasons = Object.entries(failures).map(([code, times]) => `${code} ${times}`);
  if (reasons.length === 0) return;
  const message = `Of ${accounts.length} accounts some could not be logged in: ${reasons.join(', ')}`;
  await appendLoadEvents(db, testId, [{ type: 'login_failed', shard, message }]);
}

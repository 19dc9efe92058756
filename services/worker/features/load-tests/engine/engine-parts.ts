import { parseAllowlist } from '../../../../../shared/kernel/allowlist.ts';
import { createRandom } from '../../../../../shared/kernel/random.ts';
import { createGuardedConnector, type Lookup } from '../../../../../shared/platform/target/connect-guard.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import { createClosedLoad } from './closed-load.ts';
import { type Connections, createConnections } from './connections.ts';
import { createEndpointChoice, type EndpointChoice } from './endpoint-choice.ts';
import { factsOf } from './executors/kinds.ts';
import type { LatencyRecorder } from './latency-histogram.ts';
import type { Load, LoadDeps } from './load.ts';
import { createOpenLoad } from './open-load.ts';
import type { EngineAccount, EnginePlan } from './plan.ts';
import { createRunClock, type RunClock } from './run-clock.ts';
import { RunRecorder } from './run-recorder.ts';
import { createTimerWheel } from './timer-wheel.ts';
import { type UserSurroundings, VirtualUser } from './virtual-user.ts';

export interface EngineOptions {
  accounts?: AccountList;
  /** A user's session is refused, and it waits for `setAccount`; `position` is its place in this engine. */
  onUnauthorized?: (position: number) => void;
  /** Until a user asks again that still gets 401s, in place of half a minute: its target may have been out of order. */
  renewalPauseMs?: number;
  /** Whether requests may start at this moment, besides all else; `control({ paused: false })` tells that they may again. */
  maySend?: () => boolean;
  /** A request was written to its socket; on the path of every request. */
  onSent?: () => void;
  /** Instead of the system's resolver. */
  lookup?: Lookup;
  /** Gets how late the starts of an open model are: for measuring the engine itself. */
  lateness?: LatencyRecorder;
}

/** By the position of their users, who begin it anew where it ends. */
export type AccountList = readonly (EngineAccount | undefined)[];

export const accountAt = (list: AccountList, position: number): EngineAccount | undefined =>
  list[position % Math.max(1, list.length)];

/** What stands between a user and its next request. */
interface Gate {
  paused: boolean;
  stopping: boolean;
  cutOff: boolean;
}

export interface EngineParts {
  clock: RunClock;
  recorder: RunRecorder;
  gate: Gate;
  choice: EndpointChoice;
  connections: Connections;
  load: Load;
  /** The sessions of the users to come. */
  accounts: { list: AccountList };
  /** Resolves when the load is done, with all of this closed. */
  done: Promise<void>;
}

/** Builds what an engine is made of and ties it together; `createEngine` then drives it. */
export function assembleEngine(plan: EnginePlan, options: EngineOptions): EngineParts {
  const clock = createRunClock();
  const recorder = createRecorder(plan, clock);
  const gate: Gate = { paused: false, stopping: false, cutOff: false };
  const choice = createEndpointChoice(plan);
  const connections = createGuardedConnections(plan, options.lookup);
  const accounts = { list: options.accounts ?? [] };
  const breaker = createNoisyBreaker(plan, recorder, () => load.wake());
  const wheel = createTimerWheel();
  const done = Promise.withResolvers<void>();
  const { origin, hostname } = new URL(plan.origin);
  const { maySend = () => true, onSent = () => {}, renewalPauseMs = 30_000 } = options;

  const around: UserSurroundings = {
    ...{ origin, host: hostname, connections, wheel, recorder, breaker, onSent, renewalPauseMs },
    choose: choice.choose,
    ...(options.onUnauthorized && { askForSession: askerFor(plan, options.onUnauthorized) }),
    mayFollow: () => !gate.stopping && maySend(),
    isCutOff: () => gate.cutOff,
    finished: (user, lost) => load.finished(user, lost),
    woken: user => load.woken(user),
  };
  const load: Load = createLoad(plan, options, recorder, {
    share: plan.share,
    elapsedMs: clock.elapsedMs,
    admits: () => !gate.paused && maySend() && (breaker?.admits() ?? true),
    createUser: (position, index) =>
      new VirtualUser(index, around, createRandom(plan.seed, index), accountAt(accounts.list, position)),
    setUsers: users => setUsers(connections, load, users),
    onDone: done.resolve,
  });
  const close = () => {
    wheel.stop();
    breaker?.stop();
    connections.destroyAll(new Error('The run is over'));
  };
  return { clock, recorder, gate, choice, connections, load, accounts, done: done.promise.then(close) };
}

/** Tells a user's place among those of its engine. */
const askerFor =
  ({ share: { index, count } }: EnginePlan, onUnauthorized: (position: number) => void) =>
  (user: VirtualUser): void =>
    onUnauthorized((user.index - index) / count);

function createRecorder({ endpoints, keepErrorSamples }: EnginePlan, clock: RunClock): RunRecorder {
  const names = endpoints.map(({ name }) => name);
  return new RunRecorder(names, clock.elapsedMs, keepErrorSamples);
}

function createGuardedConnections(plan: EnginePlan, lookup: Lookup | undefined): Connections {
  const { allowlist } = parseAllowlist(plan.allowlist);
  const longestTimeoutMs = Math.max(...plan.endpoints.map(({ timeoutMs }) => timeoutMs));
  const connector = createGuardedConnector(allowlist, longestTimeoutMs, lookup);
  return createConnections(new URL(plan.origin).origin, connector, plan.maxConnections);
}

function createNoisyBreaker(
  plan: EnginePlan,
  recorder: RunRecorder,
  onAdmitting: () => void,
): Breaker | undefined {
  if (plan.breaker === undefined) return undefined;
  return createBreaker(plan.breaker, {
    onOpen: message => recorder.event('breaker_opened', message),
    onClose: message => recorder.event('breaker_closed', message),
    onAdmitting,
  });
}

function createLoad(
  { executor, thinkTime }: EnginePlan,
  { lateness }: EngineOptions,
  recorder: RunRecorder,
  deps: LoadDeps,
): Load {
  const { durationMs, schedule } = factsOf(executor);
  const wanted = schedule();
  if (wanted.model === 'closed') return createClosedLoad(wanted, thinkTime, deps);
  const timeUnitMs = 'timeUnitMs' in executor ? executor.timeUnitMs : 1000;
  const onDropped = () => {
    recorder.droppedIterations++;
  };
  return createOpenLoad(wanted, { ...deps, timeUnitMs, durationMs, onDropped, lateness });
}

/** With more users than connections, those that idle on one must let go of it. */
function setUsers(connections: Connections, load: Load, users: number): void {
  connections.setUsers(users);
  if (connections.shared) for (const user of load.users()) user.releaseConnection();
}

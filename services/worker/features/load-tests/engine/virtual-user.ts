import type { Client } from 'undici';
import type { Random } from '../../../../../shared/kernel/random.ts';
import type { Connections, ConnectionUser } from './connections.ts';
import { NoConnectionError, RequestTimeoutError } from './error-kinds.ts';
import type { EngineAccount } from './plan.ts';
import { followRedirect, maxRedirects } from './redirects.ts';
import type { RequestTemplate } from './request-template.ts';
import { createWheelTimer, type TimerWheel } from './timer-wheel.ts';
import { type RequestSurroundings, UserRequest } from './user-request.ts';
import { UserSession } from './user-session.ts';

/** What all users of an engine have in common. */
export interface UserSurroundings extends RequestSurroundings {
  /** As URLs write it: scheme, host, port. */
  readonly origin: string;
  readonly host: string;
  readonly connections: Connections;
  readonly wheel: TimerWheel;
  /** The endpoint for a number in [0, 1), by the weights of the moment. */
  choose(random: number): RequestTemplate;
  /** Whether a request may be followed by another one of the same turn: a redirect's, or the same with a new session. */
  mayFollow(): boolean;
  /** Gets a user a new session, which `renewed` then takes; absent: a 401 is an answer like any other. */
  readonly askForSession?: (user: VirtualUser) => void;
  /** How long a user whose new session was none, or was refused too, does not ask for another. */
  readonly renewalPauseMs: number;
  /** The user is idle again. `lost`: it got no whole answer. */
  finished(user: VirtualUser, lost: boolean): void;
  /** The user has slept. */
  woken(user: VirtualUser): void;
}

type State = 'idle' | 'waiting' | 'requesting' | 'renewing' | 'sleeping';
/** A login is tried several times, with pauses. */
const longestRenewalMs = 60_000;

/**
 * One user of the target: its session, its connection, one request at a time.
 *
 *   idle ──begin──► waiting ──connection──► requesting ──answer or error──► idle (`finished` is called)
 *    ▲                 └──timeout──► idle      └──redirect on the origin──► requesting
 *    ├──woken── sleeping ◄──sleep── idle
 *    └──no session── renewing ◄──401── requesting      with a session: the same request once more
 */
export class VirtualUser implements ConnectionUser {
  /** Its number in the whole run. */
  readonly index: number;
  readonly random: Random;
  readonly session: UserSession;
  /** Requests in a row without a whole answer, which a closed model backs off by. */
  lostInRow = 0;
  readonly #around: UserSurroundings;
  readonly #timer = createWheelTimer(() => this.#timeUp());
  readonly #request: UserRequest;
  #state: State = 'idle';
  #client: Client | undefined;
  #redirects = 0;
  /** From when on (`performance.now()`) a 401 has it ask for a new session. */
  #renewsFrom = 0;

  constructor(index: number, around: UserSurroundings, random: Random, account: EngineAccount | undefined) {
    this.index = index;
    this.random = random;
    this.session = new UserSession(around.host, account);
    this.#around = around;
    this.#request = new UserRequest(this, around, around.choose(0));
  }

  get awaitsConnection(): boolean {
    return this.#state === 'waiting';
  }

  get awaitsSession(): boolean {
    return this.#state === 'renewing';
  }

  /**
   * Sends one request, which has just been admitted, chosen by weight. `intendedAt` (of `performance.now()`) is when it
   * should have started.
   */
  begin(intendedAt: number): void {
    this.#redirects = 0;
    this.#request.admitted();
    this.#send(this.#around.choose(this.random()), intendedAt);
  }

  /** Does nothing for about that long. */
  sleep(delayMs: number): void {
    this.#state = 'sleeping';
    this.#around.wheel.setAbout(this.#timer, delayMs, this.random());
  }

  /** Ends sleeping and waiting, for a session too; false when a request is under way. */
  rest(): boolean {
    if (this.#state === 'requesting') return false;
    this.#around.wheel.clear(this.#timer);
    if (this.#state === 'renewing') this.#request.count();
    this.#state = 'idle';
    return true;
  }

  /** Lets go of its connection, for others to use, unless a request is under way on it. */
  releaseConnection(): void {
    if (this.#client === undefined || this.#state === 'requesting') return;
    const client = this.#client;
    this.#client = undefined;
    this.#around.connections.giveBack(client);
  }

  connected(client: Client): void {
    this.#client = client;
    this.#state = 'requesting';
    this.#request.send(client);
  }

  #send(template: RequestTemplate, intendedAt: number): void {
    this.#request.begin(template, intendedAt);
    this.#state = 'waiting';
    this.#around.wheel.setAtLeast(this.#timer, template.timeoutMs);
    const client = this.#client ?? this.#around.connections.take(this);
    if (client !== undefined) this.connected(client);
  }

  /** Its request has an answer: what follows from it. */
  answered(endedAt: number): void {
    const { status, location } = this.#request;
    this.#around.wheel.clear(this.#timer);
    if (status !== 401) this.#renewsFrom = 0;
    else if (endedAt >= this.#renewsFrom && this.#renew()) return;
    this.#request.count();
    const next = location === undefined ? undefined : this.#nextHop(location);
    if (next === undefined) {
      this.#finish(false);
    } else {
      this.#redirects++;
      this.#send(next, endedAt);
    }
  }

  /** Its request has failed without one. */
  lost(): void {
    this.#around.wheel.clear(this.#timer);
    this.#finish(true);
  }

  /**
   * Asks for a new session; until an answer is no 401, not again before the pause is over. The answer is not counted before
   * it is known whether there is one. False when there is nobody to ask, or no account.
   */
  #renew(): boolean {
    const { askForSession, wheel, connections } = this.#around;
    if (askForSession === undefined || this.session.username === undefined) return false;
    this.#state = 'renewing';
    if (connections.shared) this.releaseConnection();
    wheel.setAtLeast(this.#timer, longestRenewalMs);
    askForSession(this);
    return true;
  }

  /** A new session, or none: the request is sent again, or has failed. */
  renewed(account: EngineAccount | undefined): void {
    if (account !== undefined) this.session.setAccount(account);
    if (this.#state !== 'renewing') return;
    this.#around.wheel.clear(this.#timer);
    this.#renewsFrom = performance.now() + this.#around.renewalPauseMs;
    if (account !== undefined) this.#request.kind = undefined;
    this.#request.count();
    if (account === undefined || !this.#around.mayFollow()) this.#finish(false);
    else this.#send(this.#request.template, performance.now());
  }

  #nextHop(location: string): RequestTemplate | undefined {
    if (this.#redirects >= maxRedirects || !this.#around.mayFollow()) return undefined;
    return followRedirect(this.#request.template, this.#request.status, location, this.#around.origin);
  }

  /** The timer is the request's timeout, the end of a sleep, or that of the patience for a session. */
  #timeUp(): void {
    if (this.#state === 'sleeping') {
      this.#state = 'idle';
      this.#around.woken(this);
    } else if (this.#state === 'renewing') {
      this.renewed(undefined);
    } else if (this.#state === 'waiting') {
      this.#request.giveUp(new NoConnectionError(this.#request.template.timeoutMs));
    } else if (this.#client !== undefined) {
      const client = this.#client;
      this.#client = undefined;
      const failure = new RequestTimeoutError(this.#request.template.timeoutMs);
      this.#request.failure = failure;
      this.#around.connections.destroy(client, failure); // calls the request's `onResponseError`
    }
  }

  #finish(lost: boolean): void {
    this.#state = 'idle';
    if (this.#client?.destroyed) this.#client = undefined;
    if (this.#around.connections.shared) this.releaseConnection();
    this.#around.finished(this, lost);
  }
}

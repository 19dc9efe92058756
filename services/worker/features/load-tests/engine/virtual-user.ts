import type { Client, Dispatcher } from 'undici';
import { networkErrorKindOf } from '../../../../../shared/platform/target/network-errors.ts';
import type { Breaker } from './breaker.ts';
import type { Connections, ConnectionUser } from './connections.ts';
import type { ErrorKind } from './delta.ts';
import { NoConnectionError, RequestTimeoutError } from './error-kinds.ts';
import type { EngineAccount } from './plan.ts';
import type { Random } from './random.ts';
import { followRedirect, isRedirect, maxRedirects } from './redirects.ts';
import { bytesOfAnswer, type RequestTemplate } from './request-template.ts';
import type { RunRecorder } from './run-recorder.ts';
import { createWheelTimer, type TimerWheel } from './timer-wheel.ts';
import { UserSession } from './user-session.ts';

/** What all users of an engine have in common. */
export interface UserSurroundings {
  /** As URLs write it: scheme, host, port. */
  readonly origin: string;
  readonly host: string;
  readonly connections: Connections;
  readonly wheel: TimerWheel;
  readonly recorder: RunRecorder;
  readonly breaker: Breaker | undefined;
  /** The endpoint for a number in [0, 1), by the weights of the moment. */
  choose(random: number): RequestTemplate;
  /** No request may be started any more. */
  isStopping(): boolean;
  /** Requests under way are being cut off: what ends now is not counted. */
  isCutOff(): boolean;
  /** Gets a user a new session, which `renewed` then takes; absent: a 401 is an answer like any other. */
  readonly askForSession?: (user: VirtualUser) => void;
  /** The user is idle again. `lost`: it got no whole answer. */
  finished(user: VirtualUser, lost: boolean): void;
  /** The user has slept. */
  woken(user: VirtualUser): void;
}

type State = 'idle' | 'waiting' | 'requesting' | 'renewing' | 'sleeping';
/** A login is tried several times, with pauses. */
const longestRenewalMs = 60_000;
const maxCheckedBytes = 1024 * 1024; // a check sees the first MiB of a body, so that memory stays bounded

/**
 * One user of the target: its session, its connection, one request at a time.
 *
 *   idle ──begin──► waiting ──connection──► requesting ──answer or error──► idle (`finished` is called)
 *    ▲                 └──timeout──► idle      └──redirect on the origin──► requesting
 *    ├──woken── sleeping ◄──sleep── idle
 *    └──no session── renewing ◄──401── requesting      with a session: the same request once more
 *
 * A class that is its own undici handler, with one timer and one options object, because this is the path of every
 * request: sending one allocates nothing here.
 */
export class VirtualUser implements Dispatcher.DispatchHandler, ConnectionUser {
  /** Its number in the whole run. */
  readonly index: number;
  readonly random: Random;
  readonly session: UserSession;
  /** Requests in a row without a whole answer, which a closed model backs off by. */
  lostInRow = 0;
  readonly #around: UserSurroundings;
  readonly #timer = createWheelTimer(() => this.#timeUp());
  readonly #options: Dispatcher.DispatchOptions;
  #state: State = 'idle';
  #client: Client | undefined;
  #template: RequestTemplate;
  #intendedAt = 0;
  #writtenAt = 0;
  #bytesToSend = 0;
  #status = 0;
  #location: string | undefined;
  #redirects = 0;
  #failure: Error | undefined;
  #checked: Buffer[] | undefined;
  #checkedBytes = 0;
  /** The answer that is not counted before it is known whether there is a new session. */
  #unauthorized: { serviceUs: number; responseUs: number } | undefined;
  #mayRenew = true;

  constructor(index: number, around: UserSurroundings, random: Random, account: EngineAccount | undefined) {
    this.index = index;
    this.random = random;
    this.session = new UserSession(around.host, account);
    this.#around = around;
    this.#template = around.choose(0);
    this.#options = { path: '/', method: 'GET', headers: [], body: null, blocking: false };
  }

  get awaitsConnection(): boolean {
    return this.#state === 'waiting';
  }

  get awaitsSession(): boolean {
    return this.#state === 'renewing';
  }

  /** Sends one request, chosen by weight. `intendedAt` (of `performance.now()`) is when it should have started. */
  begin(intendedAt: number): void {
    this.#redirects = 0;
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
    if (this.#state === 'renewing') this.#countUnauthorized('http_4xx');
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
    this.#dispatch(client);
  }

  #send(template: RequestTemplate, intendedAt: number): void {
    this.#template = template;
    this.#intendedAt = intendedAt;
    this.#status = 0;
    this.#location = undefined;
    this.#failure = undefined;
    this.#state = 'waiting';
    this.#around.wheel.setAtLeast(this.#timer, template.timeoutMs);
    const client = this.#client ?? this.#around.connections.take(this);
    if (client !== undefined) this.connected(client);
  }

  #dispatch(client: Client): void {
    const template = this.#template;
    const { headers, bytes } = this.session.prepare(template);
    const options = this.#options;
    options.path = template.path;
    options.method = template.method;
    options.headers = headers;
    options.body = template.body;
    this.#bytesToSend = bytes;
    this.#state = 'requesting';
    client.dispatch(options, this);
  }

  onRequestStart(): void {
    this.#writtenAt = performance.now();
    const { recorder } = this.#around;
    recorder.started++;
    recorder.endpoint(this.#template.endpoint).bytesSent += this.#bytesToSend;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return;
    this.#status = status;
    const { recorder } = this.#around;
    recorder.endpoint(this.#template.endpoint).bytesReceived += bytesOfAnswer(controller.rawHeaders);
    const cookies = headers['set-cookie'];
    if (cookies !== undefined) this.session.storeCookies(cookies, this.#template.path);
    if (isRedirect(status) && typeof headers.location === 'string') this.#location = headers.location;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#around.recorder.endpoint(this.#template.endpoint).bytesReceived += chunk.length;
    if (this.#template.mustContain === undefined || this.#checkedBytes >= maxCheckedBytes) return;
    this.#checked ??= [];
    this.#checked.push(chunk);
    this.#checkedBytes += chunk.length;
  }

  onResponseEnd(): void {
    const endedAt = performance.now();
    const { wheel, recorder, breaker } = this.#around;
    wheel.clear(this.#timer);
    const kind = this.#kindOfAnswer();
    const [serviceUs, responseUs] = [toUs(endedAt - this.#writtenAt), toUs(endedAt - this.#intendedAt)];
    if (this.#status !== 401) this.#mayRenew = true;
    else if (this.#renew({ serviceUs, responseUs })) return;
    recorder.endpoint(this.#template.endpoint).answered(this.#status, serviceUs, responseUs, kind);
    if (kind === undefined) breaker?.succeeded();
    else this.#noteError(kind, kind === 'application' ? new Error('A check of the body failed') : undefined);
    const next = this.#location === undefined ? undefined : this.#nextHop(this.#location);
    if (next === undefined) {
      this.#finish(false);
    } else {
      this.#redirects++;
      this.#send(next, endedAt);
    }
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#around.wheel.clear(this.#timer);
    this.#takeChecked();
    if (!this.#around.isCutOff()) {
      const cause = this.#failure ?? error;
      const kind = networkErrorKindOf(cause);
      this.#around.recorder.endpoint(this.#template.endpoint).lost(kind);
      this.#noteError(kind, cause);
    }
    this.#finish(true);
  }

  /** Asks for a new session, once until an answer is no 401; false when there is nobody to ask, or no account. */
  #renew(answer: { serviceUs: number; responseUs: number }): boolean {
    const { askForSession, wheel, connections } = this.#around;
    if (askForSession === undefined || !this.#mayRenew || this.session.username === undefined) return false;
    this.#mayRenew = false;
    this.#unauthorized = answer;
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
    this.#countUnauthorized(account === undefined ? 'http_4xx' : undefined);
    if (account === undefined || this.#around.isStopping()) this.#finish(false);
    else this.#send(this.#template, performance.now());
  }

  #countUnauthorized(kind: ErrorKind | undefined): void {
    if (this.#unauthorized === undefined) return;
    const { serviceUs, responseUs } = this.#unauthorized;
    this.#unauthorized = undefined;
    this.#around.recorder.endpoint(this.#template.endpoint).answered(401, serviceUs, responseUs, kind);
    if (kind === undefined) this.#around.breaker?.succeeded();
    else this.#noteError(kind, undefined);
  }

  #kindOfAnswer(): ErrorKind | undefined {
    const { mustContain } = this.#template;
    const body = mustContain === undefined ? undefined : this.#takeChecked();
    if (this.#status >= 500) return 'http_5xx';
    if (this.#status >= 400) return 'http_4xx';
    if (mustContain === undefined || this.#location !== undefined) return undefined;
    return body?.includes(mustContain) ? undefined : 'application';
  }

  #takeChecked(): Buffer | undefined {
    const body = this.#checked && Buffer.concat(this.#checked);
    this.#checked = undefined;
    this.#checkedBytes = 0;
    return body;
  }

  #nextHop(location: string): RequestTemplate | undefined {
    if (this.#redirects >= maxRedirects || this.#around.isStopping()) return undefined;
    return followRedirect(this.#template, this.#status, location, this.#around.origin);
  }

  #noteError(kind: ErrorKind, cause: Error | undefined): void {
    this.#around.breaker?.failed();
    this.#around.recorder.sample(this.#template, kind, this.#status, cause, this.session.username);
  }

  /** The timer is the request's timeout, the end of a sleep, or that of the patience for a session. */
  #timeUp(): void {
    if (this.#state === 'sleeping') {
      this.#state = 'idle';
      this.#around.woken(this);
    } else if (this.#state === 'renewing') {
      this.renewed(undefined);
    } else if (this.#state === 'waiting') {
      this.onResponseError(undefined, new NoConnectionError(this.#template.timeoutMs));
    } else if (this.#client !== undefined) {
      const client = this.#client;
      this.#client = undefined;
      this.#failure = new RequestTimeoutError(this.#template.timeoutMs);
      this.#around.connections.destroy(client, this.#failure); // calls `onResponseError`
    }
  }

  #finish(lost: boolean): void {
    this.#state = 'idle';
    if (this.#client?.destroyed) this.#client = undefined;
    if (this.#around.connections.shared) this.releaseConnection();
    this.#around.finished(this, lost);
  }
}

type AnswerHeaders = Record<string, string | string[] | undefined>;

const toUs = (ms: number): number => Math.round(ms * 1000);

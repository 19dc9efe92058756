import type { Client, Dispatcher } from 'undici';
import type { ErrorKind } from '../../../../../shared/kernel/request-error-kinds.ts';
import { networkErrorKindOf } from '../../../../../shared/platform/target/network-errors.ts';
import { readHead } from './answer-head.ts';
import type { Breaker } from './breaker.ts';
import { NoConnectionError } from './error-kinds.ts';
import { isRedirect } from './redirects.ts';
import type { RequestTemplate } from './request-template.ts';
import type { RunRecorder } from './run-recorder.ts';
import type { UserSession } from './user-session.ts';

/** Who is told of the end of a request. */
interface RequestOwner {
  readonly session: UserSession;
  /** A whole answer, not counted yet. `endedAt` is of `performance.now()`. */
  answered(endedAt: number): void;
  /** No whole answer; counted. */
  lost(): void;
}

export interface RequestSurroundings {
  readonly recorder: RunRecorder;
  readonly breaker: Breaker | undefined;
  /** A request was written to its socket. */
  readonly onSent: () => void;
  /** Requests under way are being cut off: what ends now is not counted. */
  isCutOff(): boolean;
}

const maxCheckedBytes = 1024 * 1024; // a check sees the first MiB of a body, so that memory stays bounded

/**
 * The request that a user has under way: sends it, measures it, and counts what became of it. The same object for all
 * requests of a user, its own undici handler with one options object, because this is the path of every request: one
 * more allocates nothing here.
 */
export class UserRequest implements Dispatcher.DispatchHandler {
  template: RequestTemplate;
  /** Status of the answer; 0 before there is one. */
  status = 0;
  /** The `Location` of a redirect. */
  location: string | undefined;
  /** Why its answer counts as failed; its user may know better. */
  kind: ErrorKind | undefined;
  /** Why its connection was closed, when that was our doing. */
  failure: Error | undefined;
  /** For undici as we patch it: the headers of an answer stay as they came. */
  readonly readsRawHeaders = true;
  readonly #owner: RequestOwner;
  readonly #around: RequestSurroundings;
  readonly #options: Dispatcher.DispatchOptions;
  #intendedAt = 0;
  #writtenAt = 0;
  #serviceUs = 0;
  #responseUs = 0;
  #bytesToSend = 0;
  /** The breaker's generation when this request began. */
  #generation = 0;
  #checked: Buffer[] | undefined;
  #checkedBytes = 0;

  constructor(owner: RequestOwner, around: RequestSurroundings, template: RequestTemplate) {
    this.template = template;
    this.#owner = owner;
    this.#around = around;
    // `reset: false`: the connection is kept also after a HEAD, which undici would leave
    this.#options = { path: '/', method: 'GET', headers: [], body: null, blocking: false, reset: false };
  }

  /** The breaker admits the next one at this moment, with what follows from it: the hops of a redirect, or a second try. */
  admitted(): void {
    this.#generation = this.#around.breaker?.generation ?? 0;
  }

  /** Begins the next one; `intendedAt` (of `performance.now()`) is when it should have started. */
  begin(template: RequestTemplate, intendedAt: number): void {
    this.template = template;
    this.#intendedAt = intendedAt;
    this.status = 0;
    this.location = undefined;
    this.failure = undefined;
    this.#writtenAt = 0;
  }

  send(client: Client): void {
    const { template } = this;
    const { headers, bytes } = this.#owner.session.prepare(template);
    const options = this.#options;
    options.path = template.path;
    options.method = template.method;
    options.headers = headers;
    options.body = template.body;
    this.#bytesToSend = bytes;
    client.dispatch(options, this);
  }

  onRequestStart(): void {
    this.#writtenAt = performance.now();
    const { recorder } = this.#around;
    recorder.started++;
    recorder.underWay++;
    recorder.endpoint(this.template.endpoint).bytesSent += this.#bytesToSend;
  }

  onRequestSent(): void {
    this.#around.onSent();
  }

  onResponseStart({ rawHeaders }: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    this.status = status;
    const { bytes, cookies, location } = readHead(rawHeaders);
    this.#around.recorder.endpoint(this.template.endpoint).bytesReceived += bytes;
    if (cookies !== undefined) this.#owner.session.storeCookies(cookies, this.template.path);
    if (isRedirect(status)) this.location = location;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#around.recorder.endpoint(this.template.endpoint).bytesReceived += chunk.length;
    if (this.template.mustContain === undefined || this.#checkedBytes >= maxCheckedBytes) return;
    this.#checked ??= [];
    this.#checked.push(chunk);
    this.#checkedBytes += chunk.length;
  }

  onResponseEnd(): void {
    const endedAt = performance.now();
    this.#serviceUs = toUs(endedAt - this.#writtenAt);
    this.#responseUs = toUs(endedAt - this.#intendedAt);
    this.kind = this.#kindOfAnswer();
    this.#owner.answered(endedAt);
  }

  /**
   * What follows waits for undici to be done with its client: a request that it is given while it empties its queue, such as
   * the next arrival of a target that refuses connections, fails an assertion of its.
   */
  onResponseError(_controller: unknown, error: Error): void {
    this.#fail(error);
    queueMicrotask(() => this.#owner.lost());
  }

  /** Ends one that was not given to a client. */
  giveUp(error: Error): void {
    this.#fail(error);
    this.#owner.lost();
  }

  #fail(error: Error): void {
    this.#takeChecked();
    if (!this.#around.isCutOff()) {
      if (this.#writtenAt > 0) this.#around.recorder.underWay--;
      const cause = this.failure ?? error;
      const kind = networkErrorKindOf(cause);
      this.#countLost(kind, cause);
      this.#noteError(kind, cause);
    }
  }

  /** What the target makes wait counts as such; a wait for one of our own connections shows in the response time only. */
  #countLost(kind: ErrorKind, cause: Error): void {
    const endpoint = this.#around.recorder.endpoint(this.template.endpoint);
    const isOurs = cause instanceof NoConnectionError;
    if (kind !== 'timeout' && !isOurs) {
      endpoint.lost(kind);
      return;
    }
    const endedAt = performance.now();
    const since = this.#writtenAt || this.#intendedAt; // the latter when it hung while connecting
    endpoint.timedOut(kind, isOurs ? undefined : toUs(endedAt - since), toUs(endedAt - this.#intendedAt));
  }

  /** Counts the answer. */
  count(): void {
    const { kind } = this;
    const { recorder, breaker } = this.#around;
    recorder.underWay--;
    recorder.endpoint(this.template.endpoint).answered(this.status, this.#serviceUs, this.#responseUs, kind);
    if (kind === undefined) breaker?.succeeded(this.#generation);
    else this.#noteError(kind, kind === 'application' ? new Error('A check of the body failed') : undefined);
  }

  #kindOfAnswer(): ErrorKind | undefined {
    const { mustContain } = this.template;
    const body = mustContain === undefined ? undefined : this.#takeChecked();
    if (this.status >= 500) return 'http_5xx';
    if (this.status >= 400) return 'http_4xx';
    if (mustContain === undefined || this.location !== undefined) return undefined;
    return body?.includes(mustContain) ? undefined : 'application';
  }

  #takeChecked(): Buffer | undefined {
    const body = this.#checked && Buffer.concat(this.#checked);
    this.#checked = undefined;
    this.#checkedBytes = 0;
    return body;
  }

  #noteError(kind: ErrorKind, cause: Error | undefined): void {
    this.#around.breaker?.failed(this.#generation);
    this.#around.recorder.sample(this.template, kind, this.status, cause, this.#owner.session.username);
  }
}

const toUs = (ms: number): number => Math.round(ms * 1000);

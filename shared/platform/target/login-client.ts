import { Agent, request } from 'undici';
import type { Allowlist } from '../../kernel/allowlist.ts';
import { readVersion } from '../version.ts';
import { maxHeadBytes, textOfHeader } from './answers.ts';
import { createGuardedConnector } from './connect-guard.ts';
import { type LoginRequest, type LoginScript, loginRequest } from './login-request.ts';
import { type NetworkErrorKind, networkErrorKindOf } from './network-errors.ts';
import { createSessionReader, type OpenedSession } from './session-reader.ts';

/** Why a login did not give a session. `docs/reason-codes.md` lists them for users. */
export type LoginFailureCode =
  | NetworkErrorKind
  | 'invalid_credentials'
  | 'rate_limited'
  | 'http_4xx'
  | 'http_5xx'
  | 'no_session'
  | 'no_password';

export interface LoginSuccess extends OpenedSession {
  /** From the request to the whole answer, redirects included. */
  ms: number;
}

export interface LoginFailure {
  code: LoginFailureCode;
  ms: number;
  /** What the target asked for with `Retry-After`. */
  retryAfterMs?: number;
}

export type LoginOutcome = LoginSuccess | LoginFailure;

export const isLoggedIn = (outcome: LoginOutcome): outcome is LoginSuccess => 'headers' in outcome;

export interface Credentials {
  username: string;
  password: string;
}

/** Logs accounts in at targets of the allow-list, as any client of theirs would. */
export interface LoginClient {
  /** One try; whatever the target does is an outcome, never an error. Rejects with the signal's reason. */
  logIn(
    origin: string,
    script: LoginScript,
    credentials: Credentials,
    signal?: AbortSignal,
  ): Promise<LoginOutcome>;
  stop(): Promise<void>;
}

/** What one try may take: a target that hashes passwords may have a queue of them. */
const longestLoginMs = 30_000;
const connectMs = 10_000;
const maxRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/** Addresses are checked at each connection, as the load engine's are; redirects are not followed off the origin. */
export function createLoginClient({
  allowlist,
  connections,
}: {
  allowlist: Allowlist;
  connections: number;
}): LoginClient {
  const agent = new Agent({
    connect: createGuardedConnector(allowlist, connectMs),
    connections,
    allowH2: false,
    maxHeaderSize: maxHeadBytes,
  });

  const userAgent = `muster/${readVersion()} (login)`;

  async function send(step: LoginRequest, signal: AbortSignal) {
    const { url, ...options } = step;
    const headers = { 'user-agent': userAgent, accept: '*/*', ...options.headers };
    return request(url, { ...options, headers, dispatcher: agent, signal });
  }

  /** Follows the target from its login form's answer to a session. */
  async function walk(origin: string, script: LoginScript, first: LoginRequest, signal: AbortSignal) {
    const reader = createSessionReader(script.session);
    let step = first;
    for (let hop = 0; ; hop++) {
      const { statusCode: status, headers, body } = await send(step, signal);
      await reader.read({ status, headers, body });
      const next = redirects.has(status) ? stayingOn(origin, step.url, headers.location) : undefined;
      const session = reader.session();
      if (session !== undefined && status < 400) return session;
      if (next === undefined || hop === maxRedirects) return failureOf(status, headers['retry-after']);
      step = { url: next, method: 'GET', headers: reader.cookies() };
    }
  }

  return {
    async logIn(origin, script, credentials, signal) {
      const startedAt = performance.now();
      const ms = () => performance.now() - startedAt;
      const timeout = AbortSignal.timeout(longestLoginMs);
      const limit = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
      try {
        const outcome = await walk(origin, script, loginRequest(origin, script, credentials), limit);
        return { ...outcome, ms: ms() };
      } catch (error) {
        signal?.throwIfAborted();
        return { code: timeout.aborted ? 'timeout' : networkErrorKindOf(error), ms: ms() };
      }
    },
    stop: () => agent.destroy(),
  };
}

/** Where a redirect leads, as long as that is the same origin. undici reads headers as Latin-1, which loses nothing. */
function stayingOn(
  origin: string,
  from: string,
  location: string | string[] | undefined,
): string | undefined {
  if (typeof location !== 'string') return undefined;
  const url = URL.parse(textOfHeader(Buffer.from(location, 'latin1')), from);
  return url?.origin === origin ? url.href : undefined;
}

function failureOf(status: number, retryAfter: string | string[] | undefined): Omit<LoginFailure, 'ms'> {
  if (status === 401 || status === 403) return { code: 'invalid_credentials' };
  if (status === 429 || status === 503) {
    const retryAfterMs = waitOf(String(retryAfter ?? ''));
    const code = status === 429 ? 'rate_limited' : 'http_5xx';
    return { code, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  if (status >= 500) return { code: 'http_5xx' };
  return { code: status >= 400 ? 'http_4xx' : 'no_session' };
}

/** `Retry-After`: seconds or a date (RFC 9110, 10.2.3). */
function waitOf(text: string): number | undefined {
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

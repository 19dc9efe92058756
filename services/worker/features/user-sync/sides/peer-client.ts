import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Agent, request } from 'undici';
import type { z } from 'zod';
import { problem } from '../../../../../shared/http/problem.ts';
import type { Allowlist } from '../../../../../shared/kernel/allowlist.ts';
import { messageOf, systemCodeOf } from '../../../../../shared/kernel/errors.ts';
import { parseAsWritten } from '../../../../../shared/kernel/json-as-written.ts';
import { backoffMs, sleep } from '../../../../../shared/kernel/time.ts';
import { createGuardedConnector } from '../../../../../shared/platform/target/connect-guard.ts';
import { networkErrorKindOf } from '../../../../../shared/platform/target/network-errors.ts';
import { PeerError } from './peer-error.ts';

/**
 * Talks to another Muster. Compressed both ways. What may pass (no answer, 429, 5xx) is tried again with backoff and
 * jitter, or when the peer says; what will not (a wrong key, an answer of another kind) is an error at once.
 */
export interface PeerClient {
  /** Asks for what `schema` describes; numbers that JavaScript would write otherwise stay as written. @throws PeerError */
  post<S extends z.ZodType>(path: string, body: unknown, schema: S): Promise<z.output<S>>;
  /** The same with a body of NDJSON. */
  postLines<S extends z.ZodType>(path: string, lines: readonly string[], schema: S): Promise<z.output<S>>;
  /** Bodies sent and received, as they were on the wire. */
  bytesMoved(): number;
  close(): Promise<void>;
}

export interface PeerClientOptions {
  baseUrl: string;
  apiKey: string;
  allowlist: Allowlist;
  timeoutMs: number;
  retries: number;
  retryDelayMs: number;
  signal: AbortSignal;
  /** The most bytes that one answer may have, compressed or not. */
  maxAnswerBytes?: number;
}

const compress = promisify(gzip);
const expand = promisify(gunzip);
const connectMs = 10_000;
/** An answer of 250,000 names of 255 characters, and some. */
const longestAnswerBytes = 256 * 1024 * 1024;
/** Longest pause between two tries, whoever asks for it. */
const maxPauseMs = 120_000;

interface Outgoing {
  path: string;
  type: string;
  body: Buffer;
}

export function createPeerClient(options: PeerClientOptions): PeerClient {
  const { baseUrl, maxAnswerBytes = longestAnswerBytes } = options;
  const agent = new Agent({ connect: createGuardedConnector(options.allowlist, connectMs), allowH2: false });
  let bytes = 0;

  async function send({ path, type, body }: Outgoing, timeout: AbortSignal): Promise<Answer> {
    const signal = AbortSignal.any([options.signal, timeout]);
    const answer = await request(baseUrl + path, {
      method: 'POST',
      dispatcher: agent,
      signal,
      headersTimeout: 0, // the signal has the one limit, over all of it
      bodyTimeout: 0,
      headers: {
        'x-api-key': options.apiKey,
        'content-type': type,
        'content-encoding': 'gzip',
        'accept-encoding': 'gzip',
        accept: 'application/json',
      },
      body,
    });
    bytes += body.length;
    const received = await readWithin(answer.body, maxAnswerBytes);
    if (received === undefined) throw tooLarge(baseUrl, maxAnswerBytes);
    bytes += received.length;
    const { 'retry-after': retryAfter, 'content-encoding': encoding } = answer.headers;
    return {
      status: answer.statusCode,
      received,
      encoding: String(encoding ?? ''),
      retryAfter: String(retryAfter ?? ''),
    };
  }

  async function persist(outgoing: Outgoing): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const timeout = AbortSignal.timeout(options.timeoutMs);
      const answer = await send(outgoing, timeout).catch((error: unknown) => {
        options.signal.throwIfAborted();
        if (error instanceof PeerError) throw error;
        return unanswered(baseUrl, error, timeout.aborted);
      });
      const failure = answer instanceof PeerError ? answer : busyError(baseUrl, answer);
      if (failure === undefined && !(answer instanceof PeerError)) return answer;
      if (attempt >= options.retries || failure?.code === 'peer_not_allowed') throw failure ?? answer;
      const asked = answer instanceof PeerError ? undefined : retryAfterMs(answer.retryAfter);
      const pause = asked ?? backoffMs(attempt + 1, options.retryDelayMs, maxPauseMs);
      await sleep(Math.min(pause, maxPauseMs), options.signal);
    }
  }

  async function ask<S extends z.ZodType>(outgoing: Outgoing, schema: S): Promise<z.output<S>> {
    const answer = await persist(outgoing);
    const text = await textOf(baseUrl, answer, maxAnswerBytes);
    if (answer.status !== 200) throw refusalOf(baseUrl, answer.status, text);
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new PeerError(
      'format',
      'peer_answer_unreadable',
      `${baseUrl} answered ${outgoing.path} with something that is not the answer of a Muster of this version`,
      { cause: parsed.error },
    );
  }

  return {
    async post(path, body, schema) {
      return ask({ path, type: 'application/json', body: await compress(JSON.stringify(body)) }, schema);
    },
    async postLines(path, lines, schema) {
      const body = await compress(lines.join('\n'));
      return ask({ path, type: 'application/x-ndjson', body }, schema);
    },
    bytesMoved: () => bytes,
    close: () => agent.destroy(),
  };
}

interface Answer {
  status: number;
  received: Buffer;
  encoding: string;
  retryAfter: string;
}

/** A whole body; undefined when it is longer than `maxBytes`: no more of it is read then. */
async function readWithin(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > maxBytes) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces, length);
}

const tooLarge = (baseUrl: string, maxBytes: number): PeerError =>
  new PeerError(
    'format',
    'peer_answer_too_large',
    `${baseUrl} gave an answer of more than ${maxBytes} bytes, which is no answer of a Muster`,
  );

/** No whole answer: the network's fault, or a peer that may not be asked. */
function unanswered(baseUrl: string, error: unknown, isTimeout: boolean): PeerError {
  const kind = isTimeout ? 'timeout' : networkErrorKindOf(error);
  if (kind === 'not_allowed')
    return new PeerError('network', 'peer_not_allowed', messageOf(error), { cause: error });
  const code = kind === 'timeout' ? 'peer_timeout' : 'peer_unreachable';
  return new PeerError('network', code, `No answer from ${baseUrl}: ${kind} (${messageOf(error)})`, {
    cause: error,
  });
}

function busyError(baseUrl: string, { status }: Answer): PeerError | undefined {
  if (status !== 429 && status < 500) return undefined;
  return new PeerError('network', 'peer_busy', `${baseUrl} answered with HTTP ${status}`);
}

function refusalOf(baseUrl: string, status: number, text: string): PeerError {
  const said = problem.safeParse(parseJson(text));
  const detail = said.success ? `: ${said.data.detail}` : '';
  const message = `${baseUrl} answered with HTTP ${status}${detail}`;
  if (status === 401 || status === 403) return new PeerError('authentication', 'peer_refused_key', message);
  return new PeerError('format', said.success ? 'peer_refused' : 'not_a_muster', message);
}

async function textOf(baseUrl: string, { received, encoding }: Answer, maxBytes: number): Promise<string> {
  if (encoding !== 'gzip') return received.toString('utf8');
  try {
    return (await expand(received, { maxOutputLength: maxBytes })).toString('utf8');
  } catch (cause) {
    if (systemCodeOf(cause) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(baseUrl, maxBytes);
    const message = `The answer of ${baseUrl} is damaged: ${messageOf(cause)}`;
    throw new PeerError('format', 'peer_answer_damaged', message, { cause });
  }
}

/** Seconds, or a date. */
function retryAfterMs(text: string): number | undefined {
  if (text === '') return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return parseAsWritten(text);
  } catch {
    return undefined;
  }
}

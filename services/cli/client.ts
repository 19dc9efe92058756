import type { Readable } from 'node:stream';
import got, { HTTPError, type OptionsOfTextResponseBody, RequestError } from 'got';
import type { z } from 'zod';
import type { Operation } from '../../shared/http/operation.ts';
import { problem } from '../../shared/http/problem.ts';
import { parseAsWritten } from '../../shared/kernel/json-as-written.ts';
import { backoffMs, sleep } from '../../shared/kernel/time.ts';
import { parseEventStream, type ServerSentEvent } from './event-stream.ts';
import { CliFailure } from './failure.ts';
import type { Deployment } from './locate.ts';

/** An operation that answers with a JSON body of this schema. */
type Answering<Status extends number, S extends z.ZodType> = Operation & {
  responses: { readonly [K in Status]: { readonly schema: S } };
};

interface CallInput {
  params?: Record<string, string>;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
}

interface Upload {
  source: Readable;
  /** Its content type, and encoding. */
  headers: Record<string, string>;
  query?: CallInput['query'];
}

export interface Client {
  readonly url: string;
  /** Reads; tried again when the connection fails or the API is busy. */
  read<S extends z.ZodType>(operation: Answering<200, S>, input?: CallInput): Promise<z.output<S>>;
  /** Submits work, once: gives the job that the API answers with. */
  submit<S extends z.ZodType>(operation: Answering<202, S>, input?: CallInput): Promise<z.output<S>>;
  /** Changes what is there, once, and gives it as it is now. */
  change<S extends z.ZodType>(operation: Answering<200, S>, input?: CallInput): Promise<z.output<S>>;
  /** Makes something, once, and gives it. */
  make<S extends z.ZodType>(operation: Answering<201, S>, input?: CallInput): Promise<z.output<S>>;
  /** Deletes something, once. */
  remove(operation: Operation, input?: CallInput): Promise<void>;
  /** An answer that is not JSON: a page, a text. */
  text(operation: Operation, input?: CallInput): Promise<string>;
  /** Sends a body as long as it comes, once. */
  upload<S extends z.ZodType>(operation: Answering<200, S>, body: Upload): Promise<z.output<S>>;
  /** An answer of any length, as it comes; decompressed. */
  download(operation: Operation, input: CallInput, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** The events of what has this id after `lastEventId`, until the API ends the stream or the connection is lost. */
  events(
    operation: Operation,
    id: string,
    lastEventId: string,
    signal: AbortSignal,
  ): AsyncIterable<ServerSentEvent>;
}

/** Silence for longer than this is a dead connection: the API sends a comment every 15 s. */
const streamSilenceMs = 40_000;

/** Talks to one deployment as its contract (`shared/http`) says; every failure comes out as a `CliFailure`. */
export function createClient({ url, apiKey }: Deployment): Client {
  const http = got.extend({
    headers: { accept: 'application/json', ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }) },
    timeout: { request: 30_000 },
    retry: { limit: 0 }, // got 14 on Node 24 reports a refused connection before it retries it: see `persist`
    followRedirect: false,
  });

  async function ask(operation: Operation, { params = {}, query, body }: CallInput): Promise<string> {
    const searchParams = given(query);
    const options: OptionsOfTextResponseBody = { method: operation.method, searchParams };
    if (body !== undefined) options.json = body;
    return http(`${url}${fill(operation.path, params)}`, options).text();
  }

  async function call<S extends z.ZodType>(operation: Operation, schema: S, input: CallInput) {
    const text = await ask(operation, input).catch(
      (error: unknown) => documentedAnswer(operation, schema, error) ?? rethrow(error),
    );
    return parseAnswer(schema, text);
  }

  function rethrow(error: unknown): never {
    throw toFailure(error, url);
  }

  return {
    url,
    read: (operation, input = {}) => persist(() => call(operation, operation.responses[200].schema, input)),
    submit: (operation, input = {}) => call(operation, operation.responses[202].schema, input),
    change: (operation, input = {}) => call(operation, operation.responses[200].schema, input),
    make: (operation, input = {}) => call(operation, operation.responses[201].schema, input),
    async remove(operation, input = {}) {
      await ask(operation, input).catch(rethrow);
    },
    text: (operation, input = {}) => persist(() => ask(operation, input).catch(rethrow)),
    async upload(operation, { source, headers, query }) {
      const options = { headers, body: source, searchParams: given(query), timeout: unhurried };
      const text = await http.post(`${url}${operation.path}`, options).text().catch(rethrow);
      return parseAnswer(operation.responses[200].schema, text);
    },
    async *download(operation, { params = {}, query }, signal) {
      const options = { searchParams: given(query), timeout: unhurried, signal };
      const stream = http.stream(`${url}${fill(operation.path, params)}`, options);
      stream.on('error', () => {}); // the loop throws it
      try {
        for await (const piece of stream) yield piece;
      } catch (error) {
        rethrow(error);
      }
    },
    async *events(operation, id, lastEventId, signal) {
      const stream = http.stream(`${url}${fill(operation.path, { id })}`, {
        headers: { accept: 'text/event-stream', ...(lastEventId ? { 'last-event-id': lastEventId } : {}) },
        timeout: { ...unhurried, socket: streamSilenceMs },
        signal,
      });
      stream.on('error', () => {}); // also after it was read: `signal` may abort later
      try {
        yield* parseEventStream(stream);
      } catch (error) {
        rethrow(error);
      }
    },
  };
}

/** For what is long: it may take any time, as long as something moves. */
const unhurried = { connect: 5000, request: 86_400_000, socket: 60_000 };

const given = (query: CallInput['query'] = {}) =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));

const readAttempts = 4;
const passing = new Set([429, 502, 503, 504]);

/** Tries a read again, for about two seconds in all, while the API is away or busy. */
async function persist<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      const mayPass =
        error instanceof CliFailure && (error.kind === 'unreachable' || passing.has(error.status ?? 0));
      if (!mayPass || attempt === readAttempts) throw error;
      await sleep(backoffMs(attempt, 150, 1000));
    }
  }
}

const fill = (path: string, params: Record<string, string>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));

/** The body of a status that is an error to HTTP but an answer of this operation: a health check's 503. */
function documentedAnswer(operation: Operation, schema: z.ZodType, error: unknown): string | undefined {
  if (!(error instanceof HTTPError)) return undefined;
  const { statusCode, body } = error.response;
  const spec = Object.entries(operation.responses).find(([status]) => Number(status) === statusCode)?.[1];
  return spec?.schema === schema ? String(body) : undefined;
}

function parseAnswer<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new CliFailure('failed', 'The API gave an answer that this version of the CLI does not understand', {
    hint: 'Is it a Muster API, and of the same version?',
    cause: parsed.error,
  });
}

function toFailure(error: unknown, url: string): CliFailure {
  if (error instanceof HTTPError) return fromAnswer(error, url);
  if (error instanceof RequestError) {
    return new CliFailure('unreachable', `No answer from ${url}: ${error.message || error.code}`, {
      hint: 'Is it running? Start one with npm start, or name another one with --api URL.',
      cause: error,
    });
  }
  return new CliFailure('failed', error instanceof Error ? error.message : String(error), { cause: error });
}

function fromAnswer({ response }: HTTPError, url: string): CliFailure {
  const { statusCode } = response;
  const kind = statusCode === 401 || statusCode === 403 ? 'unauthorized' : 'failed';
  const said = problem.safeParse(parseJson(String(response.body ?? '')));
  if (!said.success)
    return new CliFailure(kind, `${url} answered with HTTP ${statusCode}`, { status: statusCode });
  const { title, detail, errors = [] } = said.data;
  const explained = detail.startsWith(title) ? detail : `${title}: ${detail}`;
  const message = errors.length > 0 ? title : explained; // the detail only sums the faults up
  if (kind === 'failed') return new CliFailure(kind, message, { problem: said.data });
  const hint = 'Give a key in MUSTER_API_KEY; that of npm start is in .muster/api-key.';
  return new CliFailure(kind, message, { problem: said.data, hint });
}

function parseJson(text: string): unknown {
  try {
    return parseAsWritten(text); // rows of a snapshot have such numbers
  } catch {
    return undefined;
  }
}

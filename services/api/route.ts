import type { Request } from 'express';
import type { BodyOf, Operation, ParamsOf, QueryOf, ReplyOf, Role } from '../../shared/http/operation.ts';
import type { Fault } from '../../shared/kernel/errors.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { Executor } from '../../shared/platform/postgres/db.ts';

/**
 * A feature of the API is a list of routes, made from its dependencies:
 *
 *   export const widgetRoutes = ({ queue }: WidgetDeps): Route[] => [
 *     route(listWidgets, async ({ query, db }) => ok(await pageOfWidgets(db, query))),
 *     route(makeWidget, async ({ body, actor, db, afterCommit }) => {
 *       const job = await submitJob(db, { ... });
 *       afterCommit(() => queue.enqueue(makeWidgets, { job_id: job.id }));
 *       return accepted(present(job), `/api/jobs/${job.id}`);
 *     }),
 *   ];
 *
 * What arrives in a handler is checked and typed; what it throws becomes a problem. `db` is the call's
 * transaction in writing operations (rolled back when the handler throws) and the pool in the others.
 * `afterCommit` is for what must not happen if the transaction does not: it runs once committed; a failure
 * there is logged and does not change the answer, so something must repair it (the reconciler).
 */
export interface Actor {
  /** The API key; null while authentication is off. */
  readonly keyId: string | null;
  readonly name: string;
  readonly role: Role;
}

export interface CallContext {
  readonly actor: Actor;
  readonly requestId: string;
  readonly log: Logger;
  readonly db: Executor;
  /** Aborts when the client goes away and when the process stops. */
  readonly signal: AbortSignal;
  /** For headers, and for the body of an operation with `rawBody`. */
  readonly request: Request;
  afterCommit(work: () => Promise<unknown>): void;
}

export interface Call<O extends Operation> extends CallContext {
  readonly params: ParamsOf<O>;
  readonly query: QueryOf<O>;
  readonly body: BodyOf<O>;
}

/** A call of whichever operation: checked against its schemas, but of no type that could be named here. */
export interface UntypedCall extends CallContext {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

interface JsonReply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Chunks = AsyncIterable<string | Uint8Array> | readonly string[];

/** An answer that is produced as it is sent, or that is not JSON. Back-pressure and an absent client end the iteration. */
export interface StreamReply {
  readonly status: 200;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: Chunks;
}

export type Reply = JsonReply | StreamReply;

export interface Route {
  readonly operation: Operation;
  /** Looks around, in the network for one, before the transaction; what it gives goes to the handler. */
  prepare?(call: UntypedCall): Promise<unknown>;
  handler(call: UntypedCall, prepared: unknown): Promise<Reply>;
  /**
   * Of a body that its schema refuses: what the handler would have refused in the rest of it. Without it a client
   * learns of that only once it has put right what the schema says.
   */
  judge?(body: unknown, db: Executor): Promise<Fault[]>;
}

/** The same route, with a judge. */
export const judged = (judge: NonNullable<Route['judge']>, route: Route): Route => ({ ...route, judge });

/** Binds an operation to what it does. */
export const route = <const O extends Operation>(
  operation: O,
  handler: (call: Call<O>) => Promise<ReplyOf<O> | StreamReply>,
): Route => ({ operation, handler });

/**
 * Binds an operation to what it does in two steps: `prepare` may take its time outside of any transaction and must
 * change nothing; the handler gets what it gave. A repeat under an `Idempotency-Key` is answered without either.
 */
export const preparedRoute = <const O extends Operation, Prepared>(
  operation: O,
  prepare: (call: Call<O>) => Promise<Prepared>,
  handler: (call: Call<O>, prepared: Prepared) => Promise<ReplyOf<O>>,
): Route => ({ operation, prepare, handler });

export const ok = <Body>(body: Body) => ({ status: 200, body }) as const;

export const created = <Body>(body: Body, location: string) =>
  ({ status: 201, body, headers: { Location: location } }) as const;

/** 202 for long work: `location` is where its state can be read. */
export const accepted = <Body>(body: Body, location: string) =>
  ({ status: 202, body, headers: { Location: location } }) as const;

export const noContent = () => ({ status: 204 }) as const;

/** @param headers more than the content type, such as Content-Disposition */
export const stream = (
  contentType: string,
  source: Chunks,
  headers: Record<string, string> = {},
): StreamReply => ({ status: 200, headers: { 'Content-Type': contentType, ...headers }, stream: source });

import type { z } from 'zod';
import type { ErrorCode } from '../kernel/errors.ts';

/**
 * An operation of the HTTP API, declared once: from this one value come the route (`services/api/route.ts`),
 * the checks of what is sent, the types that the handler sees, and the OpenAPI document.
 *
 *   export const getJob = defineOperation({
 *     id: 'getJob', method: 'get', path: '/api/jobs/{id}', role: 'viewer', tag: 'Jobs', summary: 'One job',
 *     params: z.strictObject({ id: uuid }),
 *     responses: { 200: { description: 'The job', schema: job } },
 *   });
 *
 * and in a feature of the api: `route(getJob, async ({ params, db }) => ok(present(await findJob(db, params.id))))`.
 *
 * Schemas are wire shapes: snake_case, strict objects (an unknown field is a fault), inputs with defaults.
 * Every operation may answer 400, 413 and 415 (its body), 401, 403, 404 (bad path), 422, 429, 500 and 503 besides what
 * it lists.
 */
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** Roles in ascending order; `open` needs no key. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface ResponseSpec {
  readonly description: string;
  /** The body; absent for an empty one. */
  readonly schema?: z.ZodType;
  /** Media types when the body is not JSON: streams, files, pages. */
  readonly contentTypes?: readonly string[];
  /** Header name to description. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A body that the handler reads from `request` itself: too long for memory, or not JSON. */
interface RawBody {
  readonly contentTypes: readonly string[];
  readonly description: string;
  /** The shape of one JSON document of it, for the documentation only. */
  readonly schema?: z.ZodType;
}

/** What a handler may answer without throwing; 503 is for the health check, which has a body of its own. */
type ReplyStatus = 200 | 201 | 202 | 204 | 503;

export interface Operation {
  /** Unique, camelCase: the OpenAPI `operationId` and the label in metrics. */
  readonly id: string;
  readonly method: Method;
  /** OpenAPI notation: `/api/jobs/{id}`. */
  readonly path: string;
  readonly role: Role | 'open';
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Path parameters, all strings. What does not fit is a 404: there is nothing under such a name. */
  readonly params?: z.ZodObject;
  /** Query parameters: strings turned into values (`queryInteger` of `fields.ts`). */
  readonly query?: z.ZodObject;
  /** The JSON body. Absent: none, or an empty object. */
  readonly body?: z.ZodType;
  readonly rawBody?: RawBody;
  /** The handler judges whatever JSON is sent, and answers 200 with what it finds: nothing is stored. */
  readonly anyBody?: true;
  /** The field of the JSON body, wherever it stands, whose numbers are kept as they are written; elsewhere they are JavaScript's. */
  readonly asWritten?: string;
  /** Default 1 MiB. */
  readonly maxBodyBytes?: number;
  readonly responses: Readonly<Partial<Record<ReplyStatus, ResponseSpec>>>;
  /** Codes that this operation adds to those that every operation may answer. */
  readonly errors?: readonly ErrorCode[];
  /**
   * Writing operations (all but GET) run in one database transaction, in which the answer under an
   * `Idempotency-Key` is stored too. `false`: no transaction and no such keys, for streams, for what commits in
   * steps of its own, and for a POST that changes nothing; to send such a request again must do no harm.
   */
  readonly transaction?: false;
  /** The answer holds a secret: it is not stored, so a repeat under the same `Idempotency-Key` is a 409. */
  readonly secretAnswer?: true;
}

/** Whether a request under an `Idempotency-Key` that had an answer gets that again. */
export const takesIdempotencyKey = ({ method, transaction }: Operation): boolean =>
  method === 'post' && transaction !== false;

/** Gives the operation back with its exact type. */
export const defineOperation = <const O extends Operation>(operation: O): O => operation;

export type ParamsOf<O extends Operation> = O extends { params: infer S extends z.ZodType }
  ? z.output<S>
  : Record<never, never>;
export type QueryOf<O extends Operation> = O extends { query: infer S extends z.ZodType }
  ? z.output<S>
  : Record<never, never>;
export type BodyOf<O extends Operation> = O extends { body: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;

type ReplyBody<R> = R extends { schema: infer S extends z.ZodType }
  ? { readonly body: z.input<S> }
  : { readonly body?: never };

/** What a handler of this operation may answer: a listed status with the body that its schema describes. */
export type ReplyOf<O extends Operation> = {
  [S in keyof O['responses'] & ReplyStatus]: ReplyBody<O['responses'][S]> & {
    readonly status: S;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof O['responses'] & ReplyStatus];

import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Operation } from '../../shared/http/operation.ts';
import { AppError } from '../../shared/kernel/errors.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { Db, Executor } from '../../shared/platform/postgres/db.ts';
import { answeredBefore, answerOnce, idempotentRequest } from './middleware/idempotency.ts';
import { requireActor } from './middleware/identify.ts';
import { refuseMethod } from './middleware/methods.ts';
import { parseInput } from './middleware/parse-input.ts';
import { createJsonReader } from './middleware/read-json.ts';
import { send } from './middleware/send.ts';
import type { Actor, Reply, Route, UntypedCall } from './route.ts';

/**
 * Turns routes into an Express router. A request passes, in this order: identify, rate limit, role, body, input
 * (path, then query and body together), then the handler, in its transaction where it writes; then what it
 * left for after the commit; then the answer.
 */
export interface DispatchDeps {
  db: Db;
  /** Aborts when the process stops: streams end. */
  stopping: AbortSignal;
  /** Identify and rate limit; not run for open operations. */
  guards: RequestHandler[];
  /** Measures the answers of an operation. */
  observe: (operation: Operation) => RequestHandler;
}

export function createDispatcher(deps: DispatchDeps, routes: readonly Route[]): Router {
  const router = Router({ caseSensitive: true, strict: false });
  for (const [path, methods] of groupByPath(routes)) {
    const endpoint = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const route of methods) {
      const { method, role } = route.operation;
      const guards = role === 'open' ? [] : deps.guards;
      endpoint[method](deps.observe(route.operation), ...guards, handle(deps, route));
    }
    endpoint.all(refuseMethod(methods.map(({ operation }) => operation.method)));
  }
  return router;
}

/** Routes by path, `/a/b` before `/a/{id}`: a literal segment wins over a parameter. */
function groupByPath(routes: readonly Route[]): [string, Route[]][] {
  const rank = (path: string) => path.replaceAll('{', '\uffff');
  const groups = Object.entries(Object.groupBy(routes, ({ operation }) => operation.path));
  return groups
    .map(([path, methods = []]): [string, Route[]] => [path, methods])
    .sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1));
}

const nobody: Actor = { keyId: null, name: 'anonymous', role: 'viewer' };

function handle(deps: DispatchDeps, route: Route): RequestHandler {
  const { operation } = route;
  const readJson = createJsonReader(operation);
  return async (request, response) => {
    const actor = operation.role === 'open' ? nobody : requireActor(request, operation.role);
    if (operation.rawBody) requireType(request, operation.rawBody.contentTypes);
    const body = operation.rawBody ? undefined : await readJson(request, response);
    const raw = { params: request.params, query: request.query, body };
    const input = await parseInput(operation, raw, async sent => (await route.judge?.(sent, deps.db)) ?? []);
    const reply = await perform(deps, route, {
      ...input,
      actor,
      request,
      requestId: String(request.id),
      log: request.log,
      signal: endOf(response, deps.stopping),
    });
    await send(response, reply);
  };
}

/** What a handler reads by itself is at least of a type that its operation takes. */
function requireType(request: Request, types: readonly string[]): void {
  if (request.is([...types])) return;
  throw new AppError('unsupported_media_type', `The body must be ${types.join(' or ')}`);
}

function endOf(response: Response, stopping: AbortSignal): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort(new AppError('cancelled', 'The client went away')));
  return AbortSignal.any([gone.signal, stopping]);
}

type Work = () => Promise<unknown>;

/** Runs a handler in the way that its operation asks for, and then what it left for after the commit. */
async function perform(
  { db: pool }: DispatchDeps,
  route: Route,
  call: Omit<UntypedCall, 'db' | 'afterCommit'>,
): Promise<Reply> {
  const { operation } = route;
  const works: Work[] = [];
  const keyed = idempotentRequest(operation, call);
  const repeated = route.prepare && keyed && (await answeredBefore(pool, operation, keyed));
  if (repeated !== undefined) return repeated;
  const contextOf = (db: Executor) => ({ ...call, db, afterCommit: (work: Work) => void works.push(work) });
  const prepared = await route.prepare?.(contextOf(pool));
  const run = (db: Executor) => route.handler(contextOf(db), prepared);
  const writes = operation.method !== 'get' && operation.transaction !== false;
  const reply = await (writes
    ? pool.transaction(tx => (keyed ? answerOnce(tx, operation, keyed, () => run(tx)) : run(tx)))
    : run(pool));
  await runAfterCommit(works, call.log);
  return reply;
}

async function runAfterCommit(works: readonly Work[], log: Logger): Promise<void> {
  for (const work of works) {
    await work().catch((error: unknown) => log.error({ err: error }, 'left to the reconciler'));
  }
}

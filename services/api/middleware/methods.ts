import express, { type RequestHandler, Router } from 'express';
import { AppError } from '../../../shared/kernel/errors.ts';

/** For the end of a path that has these methods: any other one is a 405, and OPTIONS asks which there are. */
export function refuseMethod(methods: readonly string[]): RequestHandler {
  const names = methods.map(method => method.toUpperCase());
  const allowed = [...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (request, response) => {
    response.set('Allow', allowed);
    if (request.method !== 'OPTIONS') {
      throw new AppError('method_not_allowed', `${request.method} is not allowed here, only ${allowed}`);
    }
    response.status(204).end();
  };
}

const isRouter = (handler: unknown): handler is Router =>
  typeof handler === 'function' && 'stack' in handler && 'all' in handler;

/** Ends every path so that does not do it by itself, in this router and in those that it leads to: all must be there by then. */
export function refuseOtherMethods(router: Router): void {
  for (const [path, methods] of methodsByPath(router)) router.all(path, refuseMethod(methods));
  for (const { handle } of router.stack) if (isRouter(handle)) refuseOtherMethods(handle);
}

/** A path that takes any method has a handler without one. */
function methodsByPath({ stack }: Router): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { route } of stack) {
    if (route === undefined) continue;
    const methods: (string | undefined)[] = route.stack.map(({ method }) => method);
    if (!methods.every(method => method !== undefined)) continue;
    found.set(route.path, [...new Set([...(found.get(route.path) ?? []), ...methods])]);
  }
  return found;
}

/** The files of a folder: below its path there is nothing to do but to read. */
export function staticFiles(folder: string, options: Parameters<typeof express.static>[1] = {}): Router {
  const refuse = refuseMethod(['GET']);
  const router = Router();
  router.use((request, response, next) =>
    ['GET', 'HEAD'].includes(request.method) ? next() : refuse(request, response, next),
  );
  router.use(express.static(folder, options));
  return router;
}

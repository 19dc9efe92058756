import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { pinoHttp } from 'pino-http';
import { newId } from '../../../shared/kernel/ids.ts';
import { errorForLog, type Logger } from '../../../shared/platform/log.ts';

const header = 'X-Request-Id';
/** A client's id is taken over when it is short and printable: it ends up in logs and answers. */
const usable = /^[\w.:/+=-]{1,128}$/;
/** Asked every few seconds by machines. */
const quiet = new Set(['/api/health', '/metrics']);

function requestId(request: IncomingMessage, response: ServerResponse): string {
  const given = request.headers[header.toLowerCase()];
  const id = typeof given === 'string' && usable.test(given) ? given : newId();
  response.setHeader(header, id);
  return id;
}

const pathOf = (url = ''): string => url.split('?', 1)[0] ?? '';

function levelOf(request: IncomingMessage, response: ServerResponse, error?: Error) {
  if (error !== undefined || response.statusCode >= 500) return 'error';
  return quiet.has(pathOf(request.url)) ? 'debug' : 'info';
}

/**
 * Gives each request an id (from `X-Request-Id`, or a new one), a logger that carries it, and one line when
 * answered. The line has neither headers nor query: that is where secrets travel.
 */
export const accessLog = (logger: Logger): RequestHandler =>
  pinoHttp({
    logger,
    genReqId: requestId,
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'request_id', responseTime: 'duration_ms' },
    customLogLevel: levelOf,
    customSuccessMessage: request => `${request.method} ${pathOf(request.url)}`,
    customErrorMessage: request => `${request.method} ${pathOf(request.url)}`,
    // The error itself is logged where it is answered; the library would add one of its own.
    customErrorObject: (_request, _response, _error, { err: _err, ...line }) => line,
    serializers: {
      err: ({ raw }: { raw: Error }) => errorForLog(raw),
      req: ({ method, url, raw }: { method: string; url: string; raw: Request }) => ({
        method,
        path: pathOf(url),
        address: raw.ip, // the client's, as far as TRUST_PROXY says that proxies tell the truth
      }),
      res: (response: { statusCode: number }) => ({ status: response.statusCode }),
    },
  });

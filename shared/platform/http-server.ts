import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { type AnswerUnreadable, answerUnreadable } from './unreadable-requests.ts';

export interface HttpServer extends Service {
  /** Where a client on this machine reaches it. */
  readonly url: string;
  readonly port: number;
}

export interface HttpServerOptions {
  name: string;
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** How long requests under way may take once the server stops, in milliseconds. */
  drainMs?: number;
  /**
   * The answer to what is no request. With it the listener gets what Node refuses by itself otherwise: requests of
   * HTTP/1.1 without a `Host`, or with an `Expect` that it does not know. Without it, all these get Node's bare answers.
   */
  unreadable?: AnswerUnreadable;
}

/** Longer than the pools of clients and proxies keep a connection (60 s), so that it is they who close it. */
const keepAliveTimeoutMs = 65_000;
/** For the whole of a request: an import of a million users over a slow line takes longer than Node's 5 minutes. */
const requestTimeoutMs = 3_600_000;
const sweepIntervalMs = 50;

/**
 * Listens, and resolves once connections are accepted. `stop` refuses new connections, lets requests under
 * way finish, closes each kept-alive connection as it falls idle, and cuts what is left after `drainMs`.
 */
export async function serveHttp(listener: RequestListener, options: HttpServerOptions): Promise<HttpServer> {
  const { name, host, drainMs = 10_000, unreadable } = options;
  const server = createServer(
    {
      keepAliveTimeout: keepAliveTimeoutMs,
      requestTimeout: requestTimeoutMs,
      requireHostHeader: unreadable === undefined,
    },
    listener,
  );
  if (unreadable !== undefined) answerUnreadable(server, listener, unreadable);
  const unused = unusedConnections(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', error => reject(explain(error, options)));
    server.listen(options.port, host, () => resolve(portOf(server.address())));
  });

  async function stop(): Promise<void> {
    if (!server.listening) return;
    const closed = new Promise<void>(resolve => server.close(() => resolve()));
    const sweep = setInterval(() => {
      server.closeIdleConnections();
      for (const socket of unused) socket.destroy();
    }, sweepIntervalMs);
    const cutOff = setTimeout(() => server.closeAllConnections(), drainMs);
    await closed.finally(() => {
      clearInterval(sweep);
      clearTimeout(cutOff);
    });
  }

  return { name, port, url: `http://${reachable(host)}:${port}`, stop };
}

/**
 * Connections on which no request has come yet: browsers and pools open some ahead. Node counts them as active, so
 * that `closeIdleConnections` leaves them and a stop would wait for them.
 */
function unusedConnections(server: Server): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  server.on('connection', socket => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));
  return unused;
}

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0;

/** The wildcard addresses are for listening only. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function explain(error: Error, { name, host, port }: HttpServerOptions): Error {
  if (!('code' in error) || error.code !== 'EADDRINUSE') return error;
  return new AppError('conflict', `The ${name} cannot listen: port ${port} on ${host} is taken`, {
    hint: 'Stop the process that has it, or choose another port.',
    cause: error,
  });
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A real HTTP server with the answers that a test gives it: `'GET /api/jobs/1'` to handler. */
export async function startTinyApi(handlers: Record<string, Handler>) {
  const requests: { key: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const key = `${request.method} ${request.url?.split('?')[0]}`;
      requests.push({ key, headers: request.headers, body });
      const handler = handlers[key];
      if (handler) handler(request, response, body);
      else answerProblem(response, 404, { code: 'not_found', title: 'There is nothing here' });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    seen: (key: string) => requests.filter(request => request.key === key),
    async stop(): Promise<void> {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export const answer = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};

export function answerProblem(
  response: ServerResponse,
  status: number,
  given: { code: string; title: string; detail?: string; errors?: unknown[] },
): void {
  const problem = { type: 'urn:muster:problem', status, detail: given.title, request_id: 'r-1', ...given };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
}

export const jobId = '0199d1a0-0000-7000-8000-000000000001';

/** A job as the API answers it. */
export const jobOf = (status: string, more: object = {}) => ({
  id: jobId,
  kind: 'bulk-users.create',
  status,
  progress: { phase: 'creating', done: 5, total: 10, percent: 50 },
  result: null,
  error: null,
  requested_by: 'test',
  attempts: 1,
  created_at: '2026-01-31T12:00:00Z',
  started_at: null,
  finished_at: null,
  links: { self: '/', events: '/', cancel: '/', retry: '/' },
  ...more,
});

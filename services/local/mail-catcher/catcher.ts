import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { serveHttp } from '../../../shared/platform/http-server.ts';
import { createMessageList } from './messages.ts';
import { createPushReceiver } from './push.ts';
import { startSmtpCatcher } from './smtp.ts';

/** What the stack sends when nobody gave it a mail server: it is taken here and can be looked at. */
export interface MailCatcher {
  readonly name: string;
  /** For `SMTP_URL`. */
  readonly smtpUrl: string;
  /** `GET /messages`, `GET /subscription`, `POST /push/...`: read by the API, in development. */
  readonly httpUrl: string;
  stop(): Promise<void>;
}

export async function startMailCatcher(): Promise<MailCatcher> {
  const messages = createMessageList();
  const receiver = createPushReceiver();
  const smtp = await startSmtpCatcher(messages);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '/' } = request;
    if (method === 'GET' && url === '/messages') return json(response, { items: messages.all() });
    if (method === 'GET' && url === '/subscription') {
      const endpoint = `http://${request.headers.host}/push/${receiver.keys.auth}`;
      return json(response, { endpoint, keys: receiver.keys });
    }
    if (method !== 'POST' || !url.startsWith('/push/')) return json(response, { error: 'not_found' }, 404);
    const body = receiver.open(await buffer(request));
    messages.add({ kind: 'push', from: null, to: url, subject: titleOf(body), body });
    response.writeHead(201).end();
  }
  const http = await serveHttp(
    (request, response) => {
      answer(request, response).catch(() => json(response, { error: 'bad_request' }, 400));
    },
    { name: 'mail catcher', host: '127.0.0.1', port: 0, drainMs: 100 },
  );
  return {
    name: 'mail catcher',
    smtpUrl: smtp.url,
    httpUrl: http.url,
    async stop() {
      await Promise.all([http.stop(), smtp.stop()]);
    },
  };
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function titleOf(payload: string): string | null {
  const { title }: { title?: unknown } = JSON.parse(payload);
  return typeof title === 'string' ? title : null;
}

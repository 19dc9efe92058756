import { type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemCodeOf } from '../kernel/errors.ts';

/** What came over a connection and is no request that a listener could get. */
export interface UnreadableRequest {
  status: 400 | 408 | 413 | 431;
  /** In the words of Node's parser, where it has any. */
  reason: string | undefined;
}

interface PlainAnswer {
  headers: Readonly<Record<string, string>>;
  body: string;
}

export type AnswerUnreadable = (request: UnreadableRequest) => PlainAnswer;

/** As Node's own answer has it; anything else is a 400. */
const statuses: Partial<Record<string, UnreadableRequest['status']>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/**
 * Gives an answer with a body where Node's own has none: to what its parser refuses, and to a request that does not
 * come to its end in time. A request with an expectation that Node does not know goes to the listener. The
 * connection is closed, as after Node's own answer; where another answer is under way, it is cut without a word.
 */
export function answerUnreadable(server: Server, listener: RequestListener, answer: AnswerUnreadable): void {
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.on('request', ({ socket }, response) => answers.set(socket, response));
  server.on('checkExpectation', (request, response) => {
    answers.set(request.socket, response);
    listener(request, response);
  });
  server.on('clientError', (error, socket) => {
    if (systemCodeOf(error) === 'ECONNRESET' || !socket.writable || isUnderWay(answers.get(socket))) {
      socket.destroy(error);
      return;
    }
    const status = statuses[systemCodeOf(error) ?? ''] ?? 400;
    socket.write(asText(status, answer({ status, reason: reasonOf(error) })));
    if (socket instanceof Socket) socket.destroySoon();
    else socket.end();
  });
}

const isUnderWay = (response: ServerResponse | undefined): boolean =>
  response?.headersSent === true && !response.writableFinished;

const reasonOf = (error: Error): string | undefined =>
  'reason' in error && typeof error.reason === 'string' ? error.reason : undefined;

function asText(status: UnreadableRequest['status'], { headers, body }: PlainAnswer): string {
  const fields = {
    Connection: 'close',
    Date: new Date().toUTCString(),
    ...headers,
    'Content-Length': Buffer.byteLength(body),
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

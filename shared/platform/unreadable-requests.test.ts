import { once } from 'node:events';
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import { connect } from 'node:net';
import { answerUnreadable, type UnreadableRequest } from './unreadable-requests.ts';

interface Exchange {
  listener?: RequestListener;
  options?: ServerOptions;
}

/** What a server answers to these pieces, each sent after an answer to the one before, and what it asked an answer for. */
async function exchange(pieces: string[], { listener = answerOk, options = {} }: Exchange = {}) {
  const told: UnreadableRequest[] = [];
  const server = createServer(options, listener);
  answerUnreadable(server, listener, request => {
    told.push(request);
    return { headers: { 'X-Ours': 'yes' }, body: 'é' };
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  let answer = '';
  socket.write(pieces.shift() ?? '');
  socket
    .on('error', () => {})
    .on('data', piece => {
      answer += piece;
      const next = pieces.shift();
      if (next !== undefined) socket.write(next);
    });
  await once(socket, 'close');
  server.close();
  await once(server, 'close');
  return { told, answer };
}

const answerOk: RequestListener = (_request, response) => response.end('done');
const get = 'GET / HTTP/1.1\r\nHost: x\r\n';
const post = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
const impatient = { requestTimeout: 20, headersTimeout: 20, connectionsCheckingInterval: 10 };

describe('what is no request', () => {
  it.each([
    ['a broken line', 'x\r\n\r\n', 400, 'Invalid method', {}],
    ['a header that is too long', `${get}A: ${'x'.repeat(17_000)}`, 431, 'Header overflow', {}],
    ['a chunk with long extensions', `${post}1;${'x'.repeat(17_000)}`, 413, 'Chunk extensions overflow', {}],
    ['headers that do not end', get, 408, undefined, impatient],
    ['a body that does not end', `${post}1\r\nx\r\n`, 408, undefined, impatient],
  ])('gets an answer, and the connection ends: %s', async (_, bytes, status, reason, options) => {
    const { told, answer } = await exchange([bytes], { listener: request => request.resume(), options });
    expect(told).toEqual([{ status, reason: reason && expect.stringContaining(reason) }]);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/\r\nConnection: close\r\n.*\r\nX-Ours: yes\r\nContent-Length: 2\r\n\r\né$/s);
  });

  it('gets one after an answer on the same connection, but not into the middle of one', async () => {
    const ended = await exchange([`${get}\r\n`, 'x\r\n\r\n']);
    expect(ended.answer).toMatch(/^HTTP\/1\.1 200 .*HTTP\/1\.1 400 .*é$/s);
    const listener: RequestListener = (_request, response) => response.write('begun');
    const begun = await exchange([post, 'no chunk\r\n'], { listener });
    expect(begun.told).toEqual([]);
    expect(begun.answer).toMatch(/begun\r\n$/);
  });

  it('is not a request with a strange expectation', async () => {
    const listener: RequestListener = ({ headers }, response) => response.end(headers.expect);
    const { told, answer } = await exchange([`${get}Expect: wonders\r\nConnection: close\r\n\r\n`], {
      listener,
    });
    expect(told).toEqual([]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK.*\r\nwonders$/s);
  });
});

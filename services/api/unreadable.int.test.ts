import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { problem } from '../../shared/http/problem.ts';
import { testApi } from '../../test/fixtures/api.ts';
import { testDatabases } from '../../test/fixtures/database.ts';

const api = testApi(testDatabases());

/** What the API answers to these bytes, to the end of the connection. */
async function answerTo(bytes: string) {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(bytes);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  const headers = new Headers(
    fields.map((field): [string, string] => [
      field.slice(0, field.indexOf(':')),
      field.slice(field.indexOf(':') + 1),
    ]),
  );
  return { status: Number(line.split(' ')[1]), headers, body };
}

const host = 'Host: test\r\nConnection: close\r\n';

it.each([
  ['a request line that is none', 'GARBAGE\r\n\r\n', 400, 'malformed_request'],
  ['another protocol', 'GET / HTTP/9.9\r\n\r\n', 400, 'malformed_request'],
  [
    'a length that is no number',
    `POST /api/jobs HTTP/1.1\r\n${host}Content-Length: x\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'two lengths',
    `POST /api/jobs HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'a length and chunks',
    `POST /api/jobs HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'a transfer that ends with no chunks',
    `POST /api/jobs HTTP/1.1\r\n${host}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'a hidden transfer',
    `POST /api/jobs HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    400,
    'malformed_request',
  ],
  ['two hosts', 'GET /api/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400, 'malformed_request'],
  [
    'two hosts of an old client',
    'GET /api/health HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n',
    400,
    'malformed_request',
  ],
  ['no host', 'GET /api/health HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'malformed_request'],
  [
    'headers without end',
    `GET / HTTP/1.1\r\n${host}X-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
    431,
    'headers_too_large',
  ],
  [
    'an expectation',
    `GET /api/health HTTP/1.1\r\n${host}Expect: a miracle\r\n\r\n`,
    417,
    'expectation_failed',
  ],
])('%s is answered with a problem', async (_, bytes, status, code) => {
  const { body, headers, ...answer } = await answerTo(bytes);
  expect(answer.status).toBe(status);
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(headers.get('content-length')).toBe(String(body.length));
  expect(headers.get('connection')).toBe('close');
  const told = problem.parse(JSON.parse(body));
  expect(told).toMatchObject({ status, code, type: `urn:muster:problem:${code}` });
  expect(headers.get('x-request-id')).toBe(told.request_id);
});

it('an old client need not name a host', async () => {
  expect((await answerTo('GET /api/health HTTP/1.0\r\n\r\n')).status).toBe(200);
});

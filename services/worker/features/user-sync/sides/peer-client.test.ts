import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { parseAllowlist } from '../../../../../shared/kernel/allowlist.ts';
import { createPeerClient, type PeerClientOptions } from './peer-client.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** What the peer answers to each request in turn; the last one to all that follow. */
let answers: Answer[] = [];
let asked = 0;
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = answers[Math.min(asked, answers.length - 1)];
    asked += 1;
    answer?.(request, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});
beforeEach(() => {
  asked = 0;
});

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

const good = json(200, { answer: 42 });
const schema = z.object({ answer: z.number() });

async function ask(given: Answer[], options: Partial<PeerClientOptions> = {}): Promise<unknown> {
  answers = given;
  const client = createPeerClient({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    apiKey: 'key',
    allowlist: parseAllowlist(['localhost']).allowlist,
    timeoutMs: 2000,
    retries: 2,
    retryDelayMs: 1,
    signal: new AbortController().signal,
    ...options,
  });
  try {
    return await client.post('/question', { question: '?' }, schema);
  } finally {
    await client.close();
  }
}

describe('a peer', () => {
  it('is asked in gzip with the key, and again while it is busy', async () => {
    const seen: unknown[] = [];
    const noting: Answer = (request, response) => {
      seen.push(request.headers['x-api-key'], request.headers['content-encoding']);
      good(request, response);
    };
    expect(await ask([json(503, {}), json(429, {}, { 'retry-after': '0' }), noting])).toEqual({ answer: 42 });
    expect([asked, ...seen]).toEqual([3, 'key', 'gzip']);
  });

  it('is asked again no sooner than it says', async () => {
    const askedAt: number[] = [];
    const noting =
      (answer: Answer): Answer =>
      (request, response) => {
        askedAt.push(performance.now());
        answer(request, response);
      };
    await ask([noting(json(429, {}, { 'retry-after': '1' })), noting(good)]);
    const [first = 0, second = 0] = askedAt;
    expect(second - first).toBeGreaterThanOrEqual(990); // timers may be a little early
  });

  it.each<[string, Answer, object]>([
    ['is busy for good', json(503, {}), { kind: 'network', code: 'peer_busy' }],
    ['hangs up', request => request.socket.destroy(), { kind: 'network', code: 'peer_unreachable' }],
    ['refuses the key', json(401, {}), { kind: 'authentication', code: 'peer_refused_key' }],
    ['may not delete', json(403, {}), { kind: 'authentication', code: 'peer_refused_key' }],
    [
      'answers with a page',
      (_request, response) => response.end('<html>'),
      { kind: 'format', code: 'peer_answer_unreadable' },
    ],
    [
      'answers with another shape',
      json(200, { answer: 'x' }),
      { kind: 'format', code: 'peer_answer_unreadable' },
    ],
    ['is no Muster', json(404, {}), { kind: 'format', code: 'not_a_muster' }],
    [
      'sends us elsewhere',
      json(302, {}, { location: 'http://127.0.0.1:1/' }),
      { kind: 'format', code: 'not_a_muster' },
    ],
    [
      'breaks off its gzip',
      (_request, response) =>
        response
          .writeHead(200, { 'content-encoding': 'gzip' })
          .end(gzipSync('{"answer": 42}').subarray(0, 20)),
      { kind: 'format', code: 'peer_answer_damaged' },
    ],
  ])('that %s is an error of its kind', async (_case, answer, error) => {
    await expect(ask([answer])).rejects.toMatchObject(error);
  });

  const endless: Answer = (_request, response) => {
    response.writeHead(200).on('drain', () => response.write('x'.repeat(65_536)));
    response.write('x'.repeat(65_536));
  };
  const bomb: Answer = (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(4_000_000)));

  it.each<[string, Answer]>([
    ['without an end', endless],
    ['of a few bytes that expand to millions', bomb],
  ])('that gives an answer %s is stopped listening to, and asked no more', async (_case, answer) => {
    await expect(ask([answer], { maxAnswerBytes: 1_000_000, timeoutMs: 20_000 })).rejects.toMatchObject({
      kind: 'format',
      code: 'peer_answer_too_large',
    });
    expect(asked).toBe(1);
  });

  it('that does not answer in time is tried again, and then an error', async () => {
    await expect(ask([() => {}], { timeoutMs: 50 })).rejects.toMatchObject({
      kind: 'network',
      code: 'peer_timeout',
    });
    expect(asked).toBe(3);
  });

  it('that is not in the list is not connected to', async () => {
    const allowlist = parseAllowlist(['peer.example.com']).allowlist;
    await expect(ask([good], { allowlist })).rejects.toMatchObject({ code: 'peer_not_allowed' });
    expect(asked).toBe(0);
  });

  it('is let go of when the sync is stopped', async () => {
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(ask([good], { signal: stopped })).rejects.toThrow('stopped');
  });
});

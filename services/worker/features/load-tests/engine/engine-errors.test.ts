import { createServer } from 'node:net';
import { setDefaultCACertificates } from 'node:tls';
import { firstCertificate, secondCertificate } from '../../../../../test/fixtures/certificates.ts';
import { endpoint, planFor, runEngine, startEngine } from '../../../../../test/fixtures/load-engine.ts';
import { startTarget, startTcpTarget } from '../../../../../test/fixtures/load-target.ts';
import type { EngineOptions } from './engine-parts.ts';
import type { EngineEndpoint, EnginePlan } from './plan.ts';

/** Runs one user until an error is counted; gives its kind and sample. */
async function firstError(
  origin: string,
  more: Partial<EngineEndpoint> = {},
  plan: Partial<EnginePlan> = {},
  options: EngineOptions = {},
) {
  const executor = { type: 'constant-vus', vus: 1, durationMs: 20_000 } as const;
  const watched = startEngine(
    planFor(origin, { executor, endpoints: [endpoint('/', more)], ...plan }),
    options,
  );
  await watched.until('an error', () => watched.all().failed > 0);
  watched.engine.abort();
  await watched.end();
  const sample = watched.deltas.flatMap(({ errorSamples }) => errorSamples)[0];
  return { kinds: Object.keys(watched.all().errors), message: sample?.message ?? '' };
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('an error is sorted by its cause', () => {
  it('refused: nobody listens', async () => {
    const { kinds, message } = await firstError(`http://127.0.0.1:${await closedPort()}`);
    expect({ kinds, message }).toEqual({
      kinds: ['refused'],
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it.each([
    [
      'while arrivals are due',
      { type: 'constant-arrival-rate', rate: 5000, timeUnitMs: 1000, durationMs: 300, maxVus: 1 },
      10,
    ],
    ['while users wait for the connection', { type: 'constant-vus', vus: 3, durationMs: 300 }, 1],
  ] as const)('refused: again and again, %s', async (_when, executor, maxConnections) => {
    const origin = `http://127.0.0.1:${await closedPort()}`;
    const { all } = await runEngine(planFor(origin, { executor, maxConnections }));
    expect(all().requests).toBeGreaterThan(1);
    expect(all().errors).toEqual({ refused: all().requests });
  });

  it('dns: the name does not exist', async () => {
    const { kinds } = await firstError('http://nowhere.invalid', {}, { allowlist: ['nowhere.invalid'] });
    expect(kinds).toEqual(['dns']);
  });

  it.each([
    ['reset: the target drops the connection', 'reset', (socket: { destroy(): void }) => socket.destroy()],
    ['timeout: the target hangs', 'timeout', () => {}],
    [
      'application: the target sends garbage',
      'application',
      (socket: { write(text: string): void }) => socket.write('garbage\r\n\r\n'),
    ],
    [
      'reset: the answer is cut off',
      'reset',
      (socket: { end(text: string): void }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'),
    ],
  ])('%s', async (_name, kind, onData) => {
    const target = await startTcpTarget(onData);
    const { kinds } = await firstError(target.origin, { timeoutMs: kind === 'timeout' ? 300 : 15_000 });
    await target.stop();
    expect(kinds).toEqual([kind]);
  });

  it('http_4xx, http_5xx, application: the answer is one, and not the one that was wanted', async () => {
    const target = await startTarget((request, response) => {
      response.statusCode = Number(request.url?.slice(1, 4));
      response.end('out of stock');
    });
    const check = { checks: { bodyContains: 'in stock' } };
    const seen = [
      await firstError(target.origin, { url: '/404?token=secret' }),
      await firstError(target.origin, { url: '/503', ...check }),
      await firstError(target.origin, { url: '/200', ...check }),
    ];
    await target.stop();
    expect(seen.map(({ kinds }) => kinds)).toEqual([['http_4xx'], ['http_5xx'], ['application']]);
    expect(seen[0]?.message).toBe('GET /404 answered 404');
  });

  it('timeout: an answer of 100 MB is read as it comes, and cut off before its end', async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    const target = await startTarget((_request, response) => {
      response.setHeader('content-length', 100 * chunk.length);
      let sent = 1; // the last chunk never comes: whatever is counted was read of an answer under way
      const send = (): void => {
        if (sent++ < 100 && !response.destroyed) response.write(chunk, send);
      };
      send();
    });
    const executor = { type: 'constant-vus', vus: 1, durationMs: 60_000 } as const;
    const endpoints = [endpoint('/', { timeoutMs: 300 })];
    const { engine, all, until, end } = startEngine(planFor(target.origin, { executor, endpoints }));
    await until('much is read', () => all().bytesReceived > chunk.length); // by one user or its next ones, as fast as can be
    await until('it is cut off', () => all().failed > 0);
    engine.abort();
    await end();
    await target.stop();
    expect(Object.keys(all().errors)).toEqual(['timeout']);
    expect(all().bytesReceived).toBeLessThan(100 * chunk.length * target.requests);
  });

  it('tls: a certificate that nobody vouches for, also one that changes under the load', async () => {
    const target = await startTarget((_request, response) => void response.end(), firstCertificate);
    const allowlist = ['localhost'];
    const unknown = await firstError(target.origin, {}, { allowlist });
    setDefaultCACertificates([firstCertificate.cert]);
    const plan = planFor(target.origin, {
      allowlist,
      executor: { type: 'constant-vus', vus: 2, durationMs: 20_000 },
    });
    const watched = startEngine(plan);
    await watched.until('the first certificate is trusted', () => watched.all().requests > 5);
    expect(watched.all().failed).toBe(0);
    target.setCertificate(secondCertificate);
    target.dropConnections();
    await watched.until('the second is not', () => (watched.all().errors.tls ?? 0) > 0);
    watched.engine.abort();
    await watched.end();
    await target.stop();
    expect(unknown.kinds).toEqual(['tls']);
  });
});

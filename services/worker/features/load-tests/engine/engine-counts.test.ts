import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { sleep } from '../../../../../shared/kernel/time.ts';
import { endpoint, planFor, runEngine, startEngine } from '../../../../../test/fixtures/load-engine.ts';
import { type LoadTarget, startTarget } from '../../../../../test/fixtures/load-target.ts';
import { figuresOf } from './merge.ts';

let target: LoadTarget | undefined;
afterEach(() => target?.stop());

const arrivals = (rate: number, durationMs: number) =>
  ({ type: 'constant-arrival-rate', rate, timeUnitMs: 1000, durationMs, maxVus: 1000 }) as const;

const parts = [
  ['med', 0.5],
  ['p(90)', 0.9],
  ['p(95)', 0.95],
  ['p(99)', 0.99],
] as const;

function percentileOf(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
}

/** How long each request took, as the HTTP client itself publishes it. */
function watchWire() {
  const sentAt = new Map<unknown, number>();
  const took: number[] = [];
  const onSent = (message: unknown) => void sentAt.set(requestOf(message), performance.now());
  const onEnd = (message: unknown) =>
    void took.push(performance.now() - (sentAt.get(requestOf(message)) ?? 0));
  subscribe('undici:client:sendHeaders', onSent);
  subscribe('undici:request:trailers', onEnd);
  return {
    stop() {
      unsubscribe('undici:client:sendHeaders', onSent);
      unsubscribe('undici:request:trailers', onEnd);
      return took;
    },
  };
}

const requestOf = (message: unknown): unknown =>
  typeof message === 'object' && message !== null && 'request' in message ? message.request : undefined;

describe('what an engine counts', () => {
  it('is exactly what the target saw: by endpoint, by status, and bytes', async () => {
    target = await startTarget((request, response) => {
      response.statusCode = request.url === '/missing' ? 404 : 200;
      response.end('x'.repeat(1000));
    });
    const endpoints = [
      endpoint('/a?page=1', { weight: 5 }),
      endpoint('/missing'),
      endpoint('/never', { weight: 0 }),
    ];
    const executor = { type: 'constant-vus', vus: 20, durationMs: 400 } as const;
    const { totals, all } = await runEngine(planFor(target.origin, { endpoints, executor }));
    expect(totals.endpoints.get('/a?page=1')?.requests).toBe(target.counts.get('/a'));
    expect(totals.endpoints.get('/missing')?.statuses).toEqual({ 404: target.counts.get('/missing') });
    expect(totals.endpoints.has('/never')).toBe(false);
    expect(totals.started).toBe(target.requests);
    const { requests, failed, errors, serviceTime, bytesReceived, bytesSent } = all();
    expect({ requests, failed, errors }).toEqual({
      requests: target.requests,
      failed: target.counts.get('/missing'),
      errors: { http_4xx: target.counts.get('/missing') },
    });
    expect(serviceTime.totalCount).toBe(requests);
    expect(bytesReceived).toBeGreaterThan(requests * 1000);
    expect(bytesSent).toBeGreaterThan(requests * 80);
  });

  it.each([
    ['GET', undefined],
    ['HEAD', undefined],
    ['POST', undefined],
    ['POST', '商品'],
    ['PUT', undefined],
    ['PATCH', undefined],
    ['DELETE', undefined],
    ['OPTIONS', undefined],
  ])('has every byte of a %s that was on the wire, with the body %s', async (method, body) => {
    const sockets = new Set<Socket>();
    target = await startTarget((request, response) => {
      sockets.add(request.socket);
      request.resume().on('end', () => response.end());
    });
    const endpoints = [endpoint('/cart?id=1', { method, ...(body !== undefined && { body }) })];
    const { all } = await runEngine(planFor(target.origin, { endpoints, executor: arrivals(100, 100) }));
    expect(all()).toMatchObject({ requests: 10, failed: 0 });
    expect(all().bytesSent).toBe([...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, 0));
  });

  it('has the percentiles of the delays that the target made, within 1 % of what was on the wire', async () => {
    const delays: number[] = [];
    const onWire = watchWire();
    target = await startTarget((_request, response) => {
      const arrivedAt = performance.now();
      setTimeout(
        () => {
          delays.push(performance.now() - arrivedAt); // what it was, not what was wished for
          response.end();
        },
        200 + 1300 * Math.random() ** 3,
      );
    });
    const executor = arrivals(150, 1500);
    const { all } = await runEngine(planFor(target.origin, { executor }));
    const figures = figuresOf(all().serviceTime);
    const took = onWire.stop();
    for (const [name, part] of parts) {
      const known = percentileOf(delays, part); // without the way to the target and back, which a busy machine makes long
      expect(figures[name] / known).toBeGreaterThan(0.999);
      expect(Math.abs(figures[name] / percentileOf(took, part) - 1)).toBeLessThan(0.01);
    }
  });

  it('has every byte of answers of 100 MB, which are never in memory as a whole', async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    let held = 0;
    target = await startTarget((_request, response) => {
      response.setHeader('content-length', 100 * chunk.length);
      let sent = 0;
      const send = (): void => {
        held = Math.max(held, process.memoryUsage().arrayBuffers);
        if (sent++ < 100) response.write(chunk, send);
        else response.end();
      };
      send();
    });
    const endpoints = [endpoint('/', { timeoutMs: 60_000, checks: { bodyContains: '\0' } })];
    const executor = { type: 'constant-vus', vus: 4, durationMs: 500 } as const;
    const before = process.memoryUsage().arrayBuffers;
    const plan = planFor(target.origin, { endpoints, executor, gracefulStopMs: 60_000 });
    const { all } = await runEngine(plan);
    const { requests, failed, bytesReceived } = all();
    expect({ enough: requests >= 4, failed }).toEqual({ enough: true, failed: 0 });
    expect(Math.floor(bytesReceived / (100 * chunk.length))).toBe(requests);
    expect(held - before).toBeLessThan(200 * chunk.length); // half of the four at once, and that is garbage
  });

  it('has a request that times out in the percentiles, with the time that it waited', async () => {
    let asked = 0;
    target = await startTarget((_request, response) => {
      if (asked++ % 2 === 0) response.end();
    });
    const endpoints = [endpoint('/', { timeoutMs: 2000 })];
    const { all } = await runEngine(planFor(target.origin, { executor: arrivals(100, 500), endpoints }));
    const { requests, errors, serviceTime, responseTime } = all();
    expect({ requests, errors }).toEqual({ requests: 50, errors: { timeout: 25 } });
    expect([serviceTime.totalCount, responseTime.totalCount]).toEqual([50, 50]);
    expect(figuresOf(serviceTime)['p(95)']).toBeGreaterThan(1900); // half of the answers were there at once
  });

  it('has samples of every kind of error, also of one that another leaves no second', async () => {
    let asked = 0;
    target = await startTarget((request, response) => {
      if (asked++ === 30) request.socket.destroy();
      else response.writeHead(404).end();
    });
    const { deltas, all } = await runEngine(planFor(target.origin, { executor: arrivals(100, 400) }));
    expect(all().errors).toEqual({ http_4xx: 39, reset: 1 });
    const kinds = deltas.flatMap(({ errorSamples }) => errorSamples.map(({ kind }) => kind));
    expect(kinds).toEqual(['http_4xx', 'http_4xx', 'reset']);
  });

  it('has no fast failure in them, which would flatter the target', async () => {
    target = await startTarget(request => void request.socket.destroy());
    const { all } = await runEngine(planFor(target.origin, { executor: arrivals(100, 200) }));
    const { errors, serviceTime, responseTime } = all();
    expect(errors).toEqual({ reset: 20 });
    expect([serviceTime.totalCount, responseTime.totalCount]).toEqual([0, 0]);
  });

  it('has the wait for a connection in the response time, also of users and in vain', async () => {
    target = await startTarget((_request, response) => void setTimeout(() => response.end(), 200));
    const executor = { type: 'constant-vus', vus: 4, durationMs: 1000 } as const;
    const endpoints = [endpoint('/patient'), endpoint('/hasty', { timeoutMs: 100 })];
    const { all } = await runEngine(planFor(target.origin, { executor, endpoints, maxConnections: 1 }));
    const { requests, errors, serviceTime, responseTime } = all();
    expect(errors.resource).toBeGreaterThan(0);
    expect(serviceTime.totalCount).toBe(requests - (errors.resource ?? 0));
    expect(responseTime.totalCount).toBe(requests);
    expect(figuresOf(responseTime).max).toBeGreaterThan(1.5 * figuresOf(serviceTime).max);
  });

  it('shows a target that freezes in the response time, whatever the service time says', async () => {
    const frozen: (() => void)[] = [];
    let isFrozen = false;
    target = await startTarget((_request, response) => {
      if (isFrozen) frozen.push(() => response.end());
      else response.end();
    });
    const executor = arrivals(100, 3000);
    const watched = startEngine(planFor(target.origin, { executor, maxConnections: 4 }));
    await watched.until('the load runs', () => watched.all().requests > 30);
    isFrozen = true;
    await sleep(2000);
    isFrozen = false;
    for (const thaw of frozen) thaw();
    await watched.end();
    const { requests, serviceTime, responseTime } = watched.all();
    expect(requests).toBe(300);
    expect(figuresOf(serviceTime).max).toBeGreaterThan(1900); // the 4 requests that were frozen
    expect(figuresOf(serviceTime)['p(90)']).toBeLessThan(500);
    expect(figuresOf(responseTime)['p(90)']).toBeGreaterThan(1000); // those that could not even start
  });
});

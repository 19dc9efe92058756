import type { ServerResponse } from 'node:http';
import { sleep, waitFor } from '../../../../../shared/kernel/time.ts';
import { endpoint, planFor, runEngine, startEngine } from '../../../../../test/fixtures/load-engine.ts';
import { type LoadTarget, startTarget } from '../../../../../test/fixtures/load-target.ts';
import type { EnginePlan } from './plan.ts';

let target: LoadTarget;
afterEach(() => target.stop());

const forever = { type: 'constant-vus', vus: 4, durationMs: 60_000 } as const;
const arrivals = (rate: number, durationMs: number, maxVus = 100) =>
  ({ type: 'constant-arrival-rate', rate, timeUnitMs: 1000, durationMs, maxVus }) as const;
const slowly: Partial<EnginePlan> = { executor: forever, thinkTime: { minMs: 5, maxMs: 15 } };

describe('an engine under control', () => {
  it('changes users, weights and pace, pauses and goes on, while it runs', async () => {
    target = await startTarget();
    const endpoints = [endpoint('/a'), endpoint('/b', { weight: 0 })];
    const { engine, deltas, until, end } = startEngine(planFor(target.origin, { ...slowly, endpoints }));
    await until('it runs', () => target.requests > 20);
    engine.control({ vus: 10 });
    await until('users were added', () => deltas.at(-1)?.vus === 10);
    engine.control({ loadFactor: 0.5 });
    await until('half of the load is off', () => deltas.at(-1)?.vus === 5);
    engine.control({ vus: null, loadFactor: 1, weights: { '/a': 0, '/b': 1 } });
    await until('the other endpoint is chosen', () => (target.counts.get('/b') ?? 0) > 5);
    engine.control({ weights: { '/c': 1 } });
    engine.control({ paused: true, weights: { '/b': 0 }, thinkTime: { minMs: 2, maxMs: 1 } });
    await until('refusals', () => deltas.flatMap(({ events }) => events).length === 3);
    expect(deltas.flatMap(({ events }) => events)).toEqual(
      ['/c', 'more than 0', 'maxMs'].map(why => ({
        type: 'control',
        atMs: expect.any(Number),
        message: expect.stringMatching(`^A change of the load was refused: .*${why}`),
      })),
    );
    await until('nothing is under way', () => deltas.slice(-3).every(({ started }) => started === 0));
    const paused = target.requests;
    await sleep(100);
    expect(target.requests).toBe(paused);
    engine.control({ paused: false });
    await until('it goes on', () => target.requests > paused + 10);
    engine.stop();
    await end();
    expect(deltas.at(-1)?.vus).toBe(0);
  });

  it('stops: what is under way may complete, then it is cut off and not counted', async () => {
    const held: (() => void)[] = [];
    target = await startTarget((_request, response) => void held.push(() => response.end()));
    const graceful = startEngine(planFor(target.origin, { executor: forever }));
    await graceful.until('requests are held', () => held.length === 4);
    graceful.engine.stop();
    for (const release of held) release();
    await graceful.end();
    expect(graceful.all()).toMatchObject({ requests: 4, failed: 0 });
    expect(graceful.deltas.at(-1)?.underWay).toBe(0);

    const cut = startEngine(planFor(target.origin, { executor: forever, gracefulStopMs: 50 }));
    await cut.until('requests are held', () => held.length === 8);
    cut.engine.stop();
    await cut.end();
    expect(cut.totals.started).toBe(4);
    expect(cut.all().requests).toBe(0);
    expect(cut.deltas.at(-1)?.underWay).toBe(4);

    const aborted = startEngine(planFor(target.origin, { executor: forever }));
    await aborted.until('requests are held', () => held.length === 12);
    aborted.engine.abort();
    await aborted.end();
    expect(aborted.totals.started).toBe(4);
    expect(aborted.all().requests).toBe(0);
    expect(aborted.deltas.at(-1)?.underWay).toBe(4);
  });

  it('delivers every arrival once over its shares, from the middle on after a takeover', async () => {
    target = await startTarget();
    const executor = arrivals(200, 1500, 600); // a user for each arrival, so that a busy machine drops none
    const [first, second, rest] = await Promise.all([
      runEngine(planFor(target.origin, { executor, share: { index: 0, count: 2 } })),
      runEngine(planFor(target.origin, { executor, share: { index: 1, count: 2 } })),
      (async () => {
        const watched = startEngine(planFor(target.origin, { executor }), {}, 1000);
        await watched.end();
        return watched;
      })(),
    ]);
    expect([first, second, rest].map(({ all }) => all().requests)).toEqual([150, 150, 100]);
    expect(target.requests).toBe(400);
  });

  it('counts arrivals that find no user, and follows changes of the rate', async () => {
    const held: (() => void)[] = [];
    target = await startTarget((_request, response) => void held.push(() => response.end()));
    const { engine, totals, until, end, all } = startEngine(
      planFor(target.origin, { executor: arrivals(50, 60_000, 3) }),
    );
    await until(
      'dropped arrivals and the held ones',
      () => totals.droppedIterations >= 5 && held.length >= 3,
    );
    expect({ started: totals.started, held: held.length }).toEqual({ started: 3, held: 3 });
    engine.control({ rate: 0 });
    const before = totals.droppedIterations;
    await sleep(100);
    engine.stop();
    for (const release of held) release();
    await end();
    expect(totals.droppedIterations - before).toBeLessThanOrEqual(1);
    expect(all().requests).toBe(3);
  });

  it('keeps to its connections, and shares them out when users are more', async () => {
    let open = 0;
    let most = 0;
    target = await startTarget((_request, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.end();
      }, 5);
    });
    const executor = { type: 'constant-vus', vus: 12, durationMs: 400 } as const;
    const { all } = await runEngine(planFor(target.origin, { executor, maxConnections: 3 }));
    expect({ most, connections: target.connections, failed: all().failed }).toEqual({
      most: 3,
      connections: 3,
      failed: 0,
    });
    expect(all().requests).toBe(target.requests);
  });

  it('opens its breaker on errors in a row, tries once, and closes it on success', async () => {
    let isBroken = true;
    target = await startTarget((_request, response) => {
      response.statusCode = isBroken ? 503 : 200;
      response.end();
    });
    const plan = planFor(target.origin, { ...slowly, breaker: { consecutiveErrors: 10, pauseMs: 60 } });
    const { engine, deltas, until, end } = startEngine(plan);
    const events = () =>
      deltas.flatMap(delta => delta.events.map(({ type, message }) => `${type}: ${message}`));
    await until('the probe has failed', () => events().length === 2);
    expect(events()).toEqual([
      'breaker_opened: 10 errors in a row; no requests for 60 ms',
      'breaker_opened: The probe failed; no requests for 120 ms',
    ]);
    expect(target.requests).toBeLessThanOrEqual(10 + 4 + 1); // the others' that were under way, and the probe
    isBroken = false;
    await until('it is closed', () => events().at(-1) === 'breaker_closed: The probe succeeded');
    const before = target.requests;
    await until('all go on', () => target.requests > before + 20);
    engine.stop();
    await end();
  });

  it('closes its breaker on nothing but the probe', async () => {
    const held: ServerResponse[] = [];
    let arrived = 0;
    target = await startTarget((_request, response) => {
      response.statusCode = ++arrived === 1 ? 200 : 503;
      if (arrived === 1 || arrived === 4) held.push(response);
      else response.end();
    });
    const executor = { ...forever, vus: 2 };
    const plan = planFor(target.origin, { executor, breaker: { consecutiveErrors: 2, pauseMs: 500 } });
    const { engine, deltas, all, until, end } = startEngine(plan);
    await until('the probe is under way', () => held.length === 2);
    held[0]?.end();
    await until('the first request has succeeded', () => all().statuses[200] === 1);
    held[1]?.end();
    await until('the probe has failed', () => all().statuses[503] === 3);
    engine.stop();
    await end();
    expect(deltas.flatMap(({ events }) => events.map(({ message }) => message))).toEqual([
      '2 errors in a row; no requests for 500 ms',
      'The probe failed; no requests for 1000 ms',
    ]);
  });

  it('backs off from a dead target', async () => {
    target = await startTarget(request => void request.socket.destroy());
    const executor = { type: 'constant-vus', vus: 2, durationMs: 500 } as const;
    const { all } = await runEngine(planFor(target.origin, { executor }));
    expect(all().errors).toEqual({ reset: all().requests });
    expect(all().requests).toBeLessThanOrEqual(2 * 5); // after 0, 50..100, 100..200, 200..400 ms
  });

  it('gives each user a session of its own, which a target may change', async () => {
    const seen = new Set<string>();
    target = await startTarget((request, response) => {
      seen.add(`${request.headers['x-user']} ${request.headers.cookie}`);
      response.setHeader('set-cookie', `seen=${request.headers['x-user']}; Path=/`);
      response.statusCode = 500;
      response.end();
    });
    const accounts = ['ann', 'ben'].map(username => ({
      username,
      headers: { 'X-User': username, Cookie: `sid=${username}` },
    }));
    const executor = { type: 'constant-vus', vus: 2, durationMs: 60_000 } as const;
    const { engine, deltas, end } = startEngine(planFor(target.origin, { executor }), { accounts });
    await waitFor('more errors than are kept', () => target.requests > 20);
    engine.stop();
    await end();
    expect([...seen].sort()).toEqual([
      'ann sid=ann',
      'ann sid=ann; seen=ann',
      'ben sid=ben',
      'ben sid=ben; seen=ben',
    ]);
    const samples = deltas.flatMap(({ errorSamples }) => errorSamples);
    expect(Math.max(...deltas.map(({ errorSamples }) => errorSamples.length))).toBe(2); // of a kind, in a delta
    expect(samples[0]).toMatchObject({
      kind: 'http_5xx',
      status: 500,
      username: expect.stringMatching(/ann|ben/),
    });
  });
});

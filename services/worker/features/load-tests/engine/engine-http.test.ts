import { endpoint, planFor, runEngine, startEngine } from '../../../../../test/fixtures/load-engine.ts';
import { startTarget, startTcpTarget } from '../../../../../test/fixtures/load-target.ts';

/** What targets do that HTTP allows, or browsers put up with. */
const tenArrivals = {
  type: 'constant-arrival-rate',
  rate: 100,
  timeUnitMs: 1000,
  durationMs: 100,
  maxVus: 1000,
} as const;

async function countsOf(origin: string, method = 'GET') {
  const plan = planFor(origin, { endpoints: [endpoint('/', { method })], executor: tenArrivals });
  const { requests, failed, statuses, errors, bytesReceived } = (await runEngine(plan)).all();
  return { requests, failed, statuses, errors, bytesReceived };
}

/** One user, who goes on until so many requests are counted. */
async function runUntil(origin: string, requests: number, method = 'GET') {
  const executor = { type: 'constant-vus', vus: 1, durationMs: 60_000 } as const;
  const watched = startEngine(planFor(origin, { endpoints: [endpoint('/', { method })], executor }));
  await watched.until(`${requests} requests`, () => watched.all().requests >= requests);
  watched.engine.stop();
  await watched.end();
  return watched.all();
}

it('a HEAD leaves its connection for the next request', async () => {
  const target = await startTarget();
  const counted = await runUntil(target.origin, 20, 'HEAD');
  const { requests, connections } = target;
  await target.stop();
  expect(counted).toMatchObject({ requests, failed: 0 });
  expect(connections).toBe(1);
});

it('a target that sends a body after a HEAD spoils no request that follows', async () => {
  const target = await startTcpTarget(socket =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody'),
  );
  const counts = await countsOf(target.origin, 'HEAD');
  await target.stop();
  expect(counts).toMatchObject({ requests: 10, failed: 0, statuses: { 200: 10 } });
});

it.each(['100 Continue', '102 Processing', '103 Early Hints\r\nlink: </a.css>; rel=preload'])(
  'an answer before the answer is passed over, though nobody asked for it: %s',
  async interim => {
    const target = await startTcpTarget(socket =>
      socket.write(`HTTP/1.1 ${interim}\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok`),
    );
    const counts = await countsOf(target.origin, 'POST');
    await target.stop();
    expect(counts).toMatchObject({ requests: 10, failed: 0, statuses: { 201: 10 } });
  },
);

it('a head may be as long as browsers take it, and a longer one is no answer', async () => {
  let length = 250_000;
  const target = await startTarget((_request, response) => {
    response.setHeader('content-security-policy', 'x'.repeat(length)).end();
  });
  const long = await countsOf(target.origin);
  length = 300_000;
  const tooLong = await countsOf(target.origin);
  await target.stop();
  expect(long).toMatchObject({ requests: 10, failed: 0 });
  expect(long.bytesReceived).toBeGreaterThan(10 * 250_000);
  expect(tooLong).toMatchObject({ requests: 10, errors: { application: 10 } });
});

it.each(['0', '-1'])('a cookie with Expires=%s is sent back, as by a browser', async expires => {
  const cookies: (string | undefined)[] = [];
  const target = await startTarget((request, response) => {
    cookies.push(request.headers.cookie);
    response.setHeader('set-cookie', `sid=1; Expires=${expires}`).end();
  });
  await runUntil(target.origin, 3);
  await target.stop();
  expect(cookies).toEqual([undefined, ...cookies.slice(1).map(() => 'sid=1')]);
});

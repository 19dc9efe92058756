import type { LookupAddress } from 'node:dns';
import type { Lookup } from '../../../../../shared/platform/target/connect-guard.ts';
import { endpoint, planFor, runEngine, startEngine } from '../../../../../test/fixtures/load-engine.ts';
import { type LoadTarget, startTarget } from '../../../../../test/fixtures/load-target.ts';
import type { EnginePlan } from './plan.ts';

let target: LoadTarget;
beforeEach(async () => {
  target = await startTarget();
});
afterEach(() => target.stop());

/** Answers with the addresses given, one list a question. */
function resolverOf(...answers: string[][]): Lookup {
  let asked = 0;
  return (_hostname, _options, callback) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
    const list = addresses.map(
      (address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }),
    );
    process.nextTick(callback, null, list);
  };
}

const errorsOf = async (host: string, allowlist: string[], lookup?: Lookup) => {
  const executor = { type: 'constant-vus', vus: 1, durationMs: 50 } as const;
  const plan = planFor(`http://${host}:${target.port}`, { allowlist, executor });
  const { all } = await runEngine(plan, lookup && { lookup });
  return Object.keys(all().errors);
};

describe('the connect guard', () => {
  it.each([
    ['an address', '127.0.0.1', ['10.0.0.0/8']],
    ['an address in another form', '0x7f000001', ['10.0.0.0/8']],
    ['an address as a number', '2130706433', ['10.0.0.0/8']],
    ['an address with parts left out', '127.1', ['127.0.0.2']],
    ['IPv6', '[::1]', ['10.0.0.0/8']],
    ['IPv4 in IPv6', '[::ffff:127.0.0.1]', ['10.0.0.0/8']],
    ['a name', 'localhost', ['shop.test']],
  ])('lets nothing out to %s that is not allowed', async (_what, host, allowlist) => {
    expect(await errorsOf(host, allowlist)).toEqual(['not_allowed']);
    expect(target.connections).toBe(0);
  });

  it('refuses a listed name that resolves to a special address, or to one of several', async () => {
    expect(await errorsOf('shop.test', ['shop.test'], resolverOf(['127.0.0.1']))).toEqual(['not_allowed']);
    const mixed = resolverOf(['127.0.0.1', '10.1.1.1']);
    expect(await errorsOf('other.test', ['127.0.0.0/8'], mixed)).toEqual(['not_allowed']);
    expect(target.connections).toBe(0);
  });

  it('connects to what was checked, and checks again for each connection', async () => {
    const lookup = resolverOf(['127.0.0.1'], ['169.254.169.254']);
    const executor = { type: 'constant-vus', vus: 1, durationMs: 20_000 } as const;
    const plan = planFor(`http://shop.test:${target.port}`, {
      allowlist: ['shop.test', '127.0.0.1'],
      executor,
    });
    const watched = startEngine(plan, { lookup });
    await watched.until('requests get through', () => (watched.all().statuses['200'] ?? 0) > 0);
    target.dropConnections();
    await watched.until('the name has been bound anew', () => (watched.all().errors.not_allowed ?? 0) > 0);
    watched.engine.abort();
    await watched.end();
    expect(target.connections).toBe(1);
  });

  const once: EnginePlan['executor'] = {
    type: 'constant-arrival-rate',
    rate: 1,
    timeUnitMs: 60_000,
    durationMs: 60_000,
    maxVus: 1,
  };

  it('follows redirects on the origin, with cookies, and never off it', async () => {
    const other = await startTarget();
    const seen: string[] = [];
    const shop = await startTarget((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.cookie ?? '-'}`);
      const location = { '/login': '/home', '/home': '/done', '/out': `${other.origin}/` }[request.url ?? ''];
      if (location) response.writeHead(302, { location, 'set-cookie': 'sid=1; Path=/' });
      response.end();
    });
    async function visit(url: string, method: string, answers: number) {
      const plan = planFor(shop.origin, {
        endpoints: [endpoint(url, { method, body: 'x' })],
        executor: once,
      });
      const { engine, all, until, end } = startEngine(plan);
      await until('all is answered', () => all().requests === answers);
      engine.stop();
      await end();
      return all;
    }
    const on = await visit('/login', 'POST', 3);
    const off = await visit('/out', 'GET', 1);
    await Promise.all([other.stop(), shop.stop()]);
    expect(seen).toEqual(['POST /login -', 'GET /home sid=1', 'GET /done sid=1', 'GET /out -']);
    expect(on().statuses).toEqual({ 200: 1, 302: 2 });
    expect(off()).toMatchObject({ statuses: { 302: 1 }, failed: 0 });
    expect(other.connections).toBe(0);
  });
});

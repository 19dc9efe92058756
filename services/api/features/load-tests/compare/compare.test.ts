import { newId } from '../../../../../shared/kernel/ids.ts';
import { loadTestConfig } from '../../../../../test/fixtures/load-test.ts';
import { compareRuns } from './compare.ts';
import type { Second, Series } from './series.ts';

/** Park and Miller's generator: noise that is the same every time. */
function noiseOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return (state / 2_147_483_647 - 0.5) * 2;
  };
}

interface Shape {
  seed: number;
  seconds?: number;
  requests?: number;
  p95?: number;
  failed?: number;
  /** Share by which a second may lie above or below. */
  noise?: number;
}

/** A run whose seconds hang together, as real ones do: each keeps half of the deviation of the one before. */
function run({ seed, seconds = 60, requests = 500, p95 = 40, failed = 5, noise = 0.1 }: Shape): Series {
  const random = noiseOf(seed);
  let deviation = 0;
  const total = Array.from({ length: seconds }, (): Second => {
    deviation = deviation / 2 + (random() * noise) / 2;
    return {
      requests: Math.round(requests * (1 + deviation)),
      failed: Math.max(0, Math.round(failed * (1 + 4 * deviation))),
      p95: p95 * (1 + deviation),
    };
  });
  return {
    id: newId(),
    config: loadTestConfig(),
    degraded: false,
    changes: 0,
    total,
    endpoints: new Map([['home', total]]),
  };
}

const withEndpoint = (series: Series): Series => ({
  ...series,
  endpoints: new Map([['home', series.total]]),
});

async function verdicts(base: Series, head: Series) {
  const { figures } = await compareRuns(base, head);
  return Object.fromEntries(figures.map(({ figure, verdict }) => [figure, verdict]));
}

describe('the comparison of two runs', () => {
  it('sees no difference between runs that differ by noise alone', async () => {
    const seeds = Array.from({ length: 8 }, (_, index) => index + 1);
    const compared = await Promise.all(
      seeds.map(seed => compareRuns(run({ seed }), run({ seed: seed + 1000 }))),
    );
    const counted = Map.groupBy(compared, ({ verdict }) => verdict);
    expect([counted.get('better'), counted.get('worse')]).toEqual([undefined, undefined]);
    expect(counted.get('no_difference')?.length).toBeGreaterThan(5);
  });

  it('tells better from worse, figure by figure', async () => {
    expect(await verdicts(run({ seed: 1 }), run({ seed: 2, p95: 48, requests: 600, failed: 40 }))).toEqual({
      throughput: 'better',
      p95: 'worse',
      error_rate: 'worse',
    });
    const faster = await compareRuns(run({ seed: 1 }), run({ seed: 2, p95: 30 }));
    expect(faster.verdict).toBe('better');
    const both = await compareRuns(run({ seed: 1 }), run({ seed: 2, p95: 30, requests: 400 }));
    expect(both.verdict).toBe('worse');
  });

  it('gives the difference with its interval', async () => {
    const { figures } = await compareRuns(run({ seed: 3 }), run({ seed: 4, requests: 600 }));
    const [throughput] = figures;
    expect(throughput?.difference).toBeCloseTo(0.2, 1);
    const { low, high } = throughput?.confidence_interval ?? { low: 0, high: 0 };
    expect(low).toBeLessThan(throughput?.difference ?? 0);
    expect(high).toBeGreaterThan(throughput?.difference ?? 0);
  });

  it('does not decide on too few seconds, nor where noise is as large as the difference', async () => {
    const short = await compareRuns(run({ seed: 1, seconds: 5 }), run({ seed: 2, seconds: 5, p95: 80 }));
    expect(short.verdict).toBe('inconclusive');
    expect(short.figures[0]?.confidence_interval).toBeNull();
    const noisy = { seconds: 15, noise: 3 };
    const unsure = await verdicts(run({ seed: 1, ...noisy }), run({ seed: 2, ...noisy, requests: 530 }));
    expect(unsure.throughput).toBe('inconclusive');
  });

  it('is the same every time, and a run does not differ from itself', async () => {
    const [base, head] = [run({ seed: 1 }), run({ seed: 2, p95: 44 })];
    expect(await compareRuns(base, head)).toEqual(await compareRuns(base, head));
    const same = await compareRuns(withEndpoint(base), withEndpoint(base));
    expect(same).toMatchObject({ verdict: 'no_difference', warnings: [] });
    expect(same.figures.map(({ endpoint }) => endpoint)).toEqual([null, null, null, 'home', 'home', 'home']);
  });

  it('warns of runs that were asked for different things', async () => {
    const base = run({ seed: 1 });
    const endpoints = [
      { name: 'home', url: '/', method: 'GET', weight: 3, timeout: 5 },
      { name: 'cart', url: '/cart', method: 'GET', weight: 1, timeout: 5 },
    ];
    const config = loadTestConfig({
      concurrent_users: 8,
      time_unit_seconds: 60,
      duration_seconds: 9,
      endpoints,
    });
    const { warnings } = await compareRuns(base, { ...run({ seed: 2 }), config, degraded: true });
    expect(warnings).toEqual([
      'concurrent_users differs: 4 and 8',
      'time_unit_seconds differs: 1 and 60',
      'duration_seconds differs: 3 and 9',
      'the weight of home differs: 100.0 % and 75.0 % of all',
      'the endpoint cart is in one of the runs only',
      expect.stringContaining('is degraded'),
    ]);
  });
});

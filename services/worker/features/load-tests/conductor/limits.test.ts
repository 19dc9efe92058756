import { loadTestConfig } from '../../../../../test/fixtures/load-test.ts';
import { createRecent, nextLoadStep, passesErrorLimit } from './limits.ts';

const seen = (from: number, to: number, requests: number, failed: number, recent = createRecent()) => {
  for (let second = from; second <= to; second++) recent.note(second, { requests, failed });
  return recent;
};

describe('the error limit', () => {
  const config = loadTestConfig({ max_errors_per_minute: 100 });

  it('counts what failed within the last minute, over all shards', () => {
    expect(passesErrorLimit(seen(0, 49, 10, 2), config)).toBe(false);
    const recent = seen(0, 49, 10, 2);
    recent.note(49, { requests: 1, failed: 1 }); // another shard's share of the same second
    expect(passesErrorLimit(recent, config)).toBe(true);
  });

  it('forgets what is older', () => {
    const recent = seen(0, 0, 100, 100);
    expect(passesErrorLimit(seen(59, 59, 1, 1, recent), config)).toBe(true);
    expect(passesErrorLimit(seen(60, 60, 1, 1, recent), config)).toBe(false);
  });
});

describe('load reduction', () => {
  const limits = { error_rate: 0.2, factor: 0.5 };
  const full = { factor: 1, changedAt: 0 };

  it('takes a step down when too much fails, and not before it has seen ten seconds', () => {
    expect(nextLoadStep(seen(0, 9, 10, 5), limits, full)).toBeUndefined();
    expect(nextLoadStep(seen(0, 10, 10, 5), limits, full)).toEqual({ factor: 0.5, errorRate: 0.5 });
  });

  it('never leaves less than a tenth', () => {
    const low = { factor: 0.15, changedAt: 0 };
    expect(nextLoadStep(seen(0, 10, 10, 5), limits, low)?.factor).toBe(0.1);
    expect(nextLoadStep(seen(0, 10, 10, 5), limits, { factor: 0.1, changedAt: 0 })).toBeUndefined();
  });

  it('gives the load back, in steps, when less than half of the limit fails', () => {
    const half = { factor: 0.5, changedAt: 0 };
    expect(nextLoadStep(seen(0, 10, 100, 9), limits, half)?.factor).toBe(1);
    expect(nextLoadStep(seen(0, 10, 100, 15), limits, half)).toBeUndefined();
  });

  it('does nothing unless it was asked for', () => {
    expect(nextLoadStep(seen(0, 10, 10, 10), null, full)).toBeUndefined();
  });
});

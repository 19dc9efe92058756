import { endedTest } from '../../../../../test/fixtures/load-results.ts';
import { type Coverage, conclude, isOver } from './phase.ts';

const whole: Coverage = { share: 1, isShort: false };
const failedThreshold = { metric: 'http_reqs', expression: 'count>9', ok: false, actual: 1 };
const test = endedTest(); // of ten seconds
const stopped = { ...test, control: { ...test.control, stop: 'emergency' as const } };

describe('a run that is over', () => {
  const end = (coverage: Coverage, thresholds = [{ ...failedThreshold, ok: true }], of = test) =>
    conclude(of, { thresholds, requests: 100, coverage });

  it('has succeeded when all of it was delivered', () => {
    expect(end(whole)).toEqual({ status: 'succeeded', reason: null });
  });

  it('is degraded when a shard misses a part of it', () => {
    expect(end({ share: 0.8, isShort: true })).toEqual({
      status: 'succeeded',
      reason: null,
      degraded: true,
    });
  });

  it('has failed when most of it is missing, whatever its thresholds say', () => {
    const incomplete = {
      status: 'failed',
      degraded: true,
      reason: {
        code: 'incomplete',
        message: 'Only 10 % of the load was delivered: workers were lost or cut off',
      },
    };
    expect(end({ share: 0.109, isShort: true })).toEqual(incomplete);
    expect(end({ share: 0.109, isShort: true }, [failedThreshold])).toEqual(incomplete);
  });

  it('is aborted when somebody stopped it, however early', () => {
    expect(end({ share: 0, isShort: true }, [], stopped)).toMatchObject({
      status: 'aborted',
      reason: { code: 'emergency_stopped' },
    });
  });
});

describe('a run is over', () => {
  const over = (statuses: ('running' | 'lost' | 'ended')[], elapsedMs: number, of = test, stoppingMs = 0) =>
    isOver(
      { test: of, elapsedMs },
      statuses.map(status => ({ status })),
      stoppingMs,
    );

  it('when its shards have ended, or are lost and there is no time left to go on for them', () => {
    expect(over(['ended', 'running'], 11_000)).toBe(false);
    expect(over(['ended', 'ended'], 1000)).toBe(true);
    expect(over(['ended', 'lost'], 11_000)).toBe(false);
    expect(over(['ended', 'lost'], 51_000)).toBe(true);
  });

  it('in the end also when a shard never ends, after its schedule or after a stop', () => {
    expect(over(['running'], 109_000)).toBe(false);
    expect(over(['running'], 111_000)).toBe(true);
    expect(over(['running'], 5000, stopped, 99_000)).toBe(false);
    expect(over(['running'], 5000, stopped, 101_000)).toBe(true);
  });
});

import { createSaturationWatch } from './saturation-watch.ts';

/** What is told of seconds of which these were saturated. */
function tellOf(seconds: readonly boolean[]) {
  const watch = createSaturationWatch();
  return seconds.flatMap((saturated, second) =>
    watch({ second, health: { loopDelayP99Ms: 61.5, cpu: 0.954, saturated } }),
  );
}

describe('a generator', () => {
  it('is told of once, when it could not keep up for seconds in a row', () => {
    const message = 'The generator is the limit: 0.95 of a core, its loop 62 ms late at p99, 5 s in a row';
    expect(
      tellOf([false, ...Array<boolean>(20).fill(true), false, ...Array<boolean>(20).fill(true)]),
    ).toEqual([{ atMs: 6000, type: 'generator_saturated', message }]);
  });

  it('is not told of for slow seconds here and there', () => {
    expect(tellOf([true, true, true, true, false, true, true, true, true])).toEqual([]);
  });
});

import type { Delta, EngineEvent } from '../engine/delta.ts';

/** One slow second may be the machine's; so many in a row are the generator's. */
const secondsInRow = 5;

/**
 * Watches the health of one engine from delta to delta, and tells once when it could not keep up: from then on the run
 * says as much of its generator as of its target.
 */
export function createSaturationWatch() {
  let inRow = 0;
  return ({ second, health }: Pick<Delta, 'second' | 'health'>): EngineEvent[] => {
    if (inRow === secondsInRow) return []; // told
    inRow = health.saturated ? inRow + 1 : 0;
    if (inRow < secondsInRow) return [];
    const { cpu, loopDelayP99Ms } = health;
    const message = `The generator is the limit: ${cpu.toFixed(2)} of a core, its loop ${Math.round(loopDelayP99Ms)} ms late at p99, ${secondsInRow} s in a row`;
    return [{ atMs: (second + 1) * 1000, type: 'generator_saturated', message }];
  };
}

import type { Delta } from './delta.ts';
import type { EngineParts } from './engine-parts.ts';
import type { HealthMonitor } from './health.ts';

const saturatedInRow = 3; // drains, before it is worth an event: one slow second may be the machine's
const graceMs = 250; // a drain that is this late still belongs to the second that it was meant for

/** Gives what the engine measured since the last time, numbered, with the generator's own health. */
export function createDrain({ clock, recorder, load }: EngineParts, health: HealthMonitor): () => Delta {
  let seq = 0;
  let saturated = 0;
  return () => {
    const read = health.read();
    saturated = read.saturated ? saturated + 1 : 0;
    if (saturated === saturatedInRow) {
      const message = `The generator is at its limit: ${Math.round(read.cpu * 100)} % of a core, loop delay p99 ${read.loopDelayP99Ms} ms`;
      recorder.event('generator_saturated', message);
    }
    return {
      seq: seq++,
      second: Math.max(0, Math.floor((clock.elapsedMs() - graceMs) / 1000)),
      vus: load.running,
      vusMax: load.allocated,
      ...recorder.drain(),
      health: read,
    };
  };
}

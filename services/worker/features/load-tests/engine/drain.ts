import type { Delta } from './delta.ts';
import type { EngineParts } from './engine-parts.ts';
import type { HealthMonitor } from './health.ts';

const graceMs = 250; // a drain that is this late still belongs to the second that it was meant for

/** Gives what the engine measured since the last time, numbered, with the generator's own health. */
export function createDrain({ clock, recorder, load }: EngineParts, health: HealthMonitor): () => Delta {
  let seq = 0;
  return () => ({
    seq: seq++,
    second: Math.max(0, Math.floor((clock.elapsedMs() - graceMs) / 1000)),
    vus: load.running,
    vusMax: load.allocated,
    ...recorder.drain(),
    health: health.read(),
  });
}

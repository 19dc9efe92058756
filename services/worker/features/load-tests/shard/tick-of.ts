import type { NewTick } from '../../../../../shared/store/load-tests/load-ticks.ts';
import type { Delta, LoginDelta } from '../engine/delta.ts';

/**
 * A shard's tick of its engine's delta. Events and error samples go to tables of their own; what stays in the tick is
 * what is merged.
 * @param logins what the worker did for the engine's users since the last tick
 */
export const tickOf = (shard: number, delta: Delta, logins?: LoginDelta): NewTick => ({
  seq: delta.seq,
  second: delta.second,
  delta: { ...delta, events: [], errorSamples: [], ...(logins && { logins }) } satisfies Delta,
  events: delta.events.map(({ type, message, atMs }) => ({ type, message, atMs, shard })),
  errors: delta.errorSamples.map(({ atMs, endpoint, kind, status, message, username }) => ({
    shard,
    atMs: Math.round(atMs),
    endpoint,
    kind,
    status: status ?? null,
    message,
    username: username ?? null,
  })),
});

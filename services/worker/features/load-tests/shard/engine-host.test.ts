import { waitFor } from '../../../../../shared/kernel/time.ts';
import { planFor } from '../../../../../test/fixtures/load-engine.ts';
import { type LoadTarget, startTarget } from '../../../../../test/fixtures/load-target.ts';
import type { Delta } from '../engine/delta.ts';
import { startEngineThread } from './engine-host.ts';

let target: LoadTarget;
beforeEach(async () => {
  target = await startTarget();
});
afterEach(() => target.stop());

const requestsOf = (deltas: readonly Delta[]): number =>
  deltas
    .flatMap(({ endpoints }) => Object.values(endpoints))
    .reduce((sum, { requests }) => sum + requests, 0);

describe('an engine in a thread', () => {
  it('gives a delta for each second of the run, and the last one before it ends', async () => {
    const executor = { type: 'constant-vus', vus: 3, durationMs: 1300 } as const;
    const thread = startEngineThread(planFor(target.origin, { executor, thinkTime: { minMs: 5, maxMs: 5 } }));
    const deltas: Delta[] = [];
    thread.onDelta(delta => deltas.push(delta));
    await thread.ready;
    thread.start(-100);
    await thread.ended;
    expect(deltas.map(({ seq, second }) => ({ seq, second }))).toEqual([
      { seq: 0, second: 0 },
      { seq: 1, second: 1 },
    ]);
    expect(requestsOf(deltas)).toBe(target.requests);
  });

  it('aborts at once, and still tells what it knows', async () => {
    const executor = { type: 'constant-vus', vus: 50, durationMs: 60_000 } as const;
    const thread = startEngineThread(planFor(target.origin, { executor }));
    const deltas: Delta[] = [];
    thread.onDelta(delta => deltas.push(delta));
    await thread.ready;
    thread.control({ vus: 20 });
    thread.start(0);
    await waitFor('load', () => target.requests > 100);
    thread.abort();
    await thread.ended;
    expect(deltas.at(-1)?.started).toBeGreaterThan(50);
    const then = target.requests;
    await waitFor('all connections to be gone', () => target.openConnections === 0);
    expect(target.requests - then).toBeLessThanOrEqual(20); // what was on the wire
  });

  it('says why it cannot be made', async () => {
    const thread = startEngineThread(planFor('ftp://x'));
    await expect(thread.ready).rejects.toThrow('has faults');
    await expect(thread.ended).rejects.toThrow('has faults');
  });
});

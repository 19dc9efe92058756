import { closeSync, openSync } from 'node:fs';
import { sleep, waitFor } from '../../../../../shared/kernel/time.ts';
import { planFor } from '../../../../../test/fixtures/load-engine.ts';
import { type LoadTarget, startTarget } from '../../../../../test/fixtures/load-target.ts';
import type { Delta } from '../engine/delta.ts';
import { startEngineThread } from './engine-host.ts';
import { createSendFence } from './send-fence.ts';

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

  it('sends nothing behind a fence that is closed, and goes on when it hears that it is open again', async () => {
    const executor = { type: 'constant-vus', vus: 3, durationMs: 60_000 } as const;
    const fence = createSendFence();
    const thread = startEngineThread(planFor(target.origin, { executor }), { fence });
    await thread.ready;
    expect(fence.open(performance.now() + 60_000)).toBe(false);
    thread.start(0);
    await waitFor('load', () => target.requests > 100);
    expect(fence.open(0)).toBe(true);
    await waitFor('what was on the wire to arrive', async () => {
      const before = target.requests;
      await sleep(100);
      return target.requests === before;
    });
    const behind = target.requests;
    expect(fence.open(performance.now() + 60_000)).toBe(false);
    thread.control({ paused: false });
    await waitFor('load again', () => target.requests > behind + 100);
    thread.abort();
    await thread.ended;
  });

  it('says that what it sends is not counted in its file, and goes on', async () => {
    const executor = { type: 'constant-vus', vus: 3, durationMs: 60_000 } as const;
    const full = openSync('/dev/full', 'w');
    const thread = startEngineThread(planFor(target.origin, { executor }), { journal: full });
    const reasons: string[] = [];
    thread.onUncounted(reason => reasons.push(reason));
    await thread.ready;
    thread.start(0);
    await waitFor('load', () => target.requests > 100);
    thread.abort();
    await thread.ended;
    closeSync(full);
    expect(reasons).toEqual([expect.stringMatching(/^ENOSPC/)]);
  });

  it('says why it cannot be made', async () => {
    const thread = startEngineThread(planFor('ftp://x'));
    await expect(thread.ready).rejects.toThrow('has faults');
    await expect(thread.ended).rejects.toThrow('has faults');
  });
});

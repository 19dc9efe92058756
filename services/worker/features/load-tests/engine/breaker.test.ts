import { waitFor } from '../../../../../shared/kernel/time.ts';
import { type Breaker, createBreaker } from './breaker.ts';

let told: string[];
let breaker: Breaker;
beforeEach(() => {
  told = [];
  const tell = (message: string) => void told.push(message);
  const deps = { onOpen: tell, onClose: tell, onAdmitting: () => {} };
  breaker = createBreaker({ consecutiveErrors: 2, pauseMs: 20 }, deps);
});
afterEach(() => breaker.stop());

/** Opens it; gives the generation of the requests that are under way, once it lets a probe through. */
async function openUntilProbe(): Promise<number> {
  const { generation } = breaker;
  breaker.failed(generation);
  breaker.failed(generation);
  expect(breaker.admits()).toBe(false);
  await waitFor('a probe to be admitted', () => breaker.admits());
  return generation;
}

describe('a breaker that has opened', () => {
  it.each(['succeeded', 'failed'] as const)('is not moved by an earlier request that %s', async outcome => {
    const earlier = await openUntilProbe();
    breaker[outcome](earlier);
    expect(told).toEqual(['2 errors in a row; no requests for 20 ms']);
    breaker.succeeded(breaker.generation);
    breaker.failed(earlier);
    breaker.failed(earlier);
    expect(told.slice(1)).toEqual(['The probe succeeded']);
    expect(breaker.admits()).toBe(true);
  });

  it('waits twice as long when its probe fails, up to eight times', async () => {
    await openUntilProbe();
    breaker.failed(breaker.generation);
    expect(told.at(-1)).toBe('The probe failed; no requests for 40 ms');
    for (const pauseMs of [80, 160, 160]) {
      await waitFor('a probe to be admitted', () => breaker.admits());
      breaker.failed(breaker.generation);
      expect(told.at(-1)).toBe(`The probe failed; no requests for ${pauseMs} ms`);
    }
  });
});

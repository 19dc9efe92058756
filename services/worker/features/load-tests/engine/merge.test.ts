import fc from 'fast-check';
import { encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import type { ErrorKind } from '../../../../../shared/kernel/request-error-kinds.ts';
import { EndpointRecorder } from './endpoint-recorder.ts';
import { addDelta, createTotals, figuresOf, sumOfEndpoints } from './merge.ts';

interface Answer {
  shard: number;
  endpoint: string;
  us: number;
  kind: ErrorKind | undefined;
}

const answer: fc.Arbitrary<Answer> = fc.record({
  shard: fc.integer({ min: 0, max: 4 }),
  endpoint: fc.constantFrom('a', 'b', 'c'),
  us: fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 4_000_000_000 })),
  kind: fc.constantFrom(undefined, 'http_5xx', 'application'),
});

/** What one engine would give for its answers. */
function deltaOf(answers: readonly Answer[]) {
  const endpoints = Object.fromEntries(
    [...new Set(answers.map(({ endpoint }) => endpoint))].map(name => {
      const recorder = new EndpointRecorder();
      for (const { us, kind } of answers.filter(({ endpoint }) => endpoint === name)) {
        recorder.answered(kind === 'http_5xx' ? 500 : 200, us, us * 2, kind);
      }
      const delta = recorder.drain();
      if (delta === undefined) throw new Error('nothing was recorded');
      return [name, delta];
    }),
  );
  return { started: answers.length, droppedIterations: 1, endpoints };
}

function totalsOf(parts: readonly (readonly Answer[])[]) {
  const totals = createTotals();
  for (const part of parts) addDelta(totals, deltaOf(part));
  const { serviceTime, responseTime, ...counters } = sumOfEndpoints(totals);
  return { counters, serviceTime: bucketsOf(serviceTime), responseTime: bucketsOf(responseTime) };
}

/** All that a histogram holds, as text. */
const bucketsOf = (histogram: Histogram): string => encodeIntoCompressedBase64(histogram);

describe('merging', () => {
  it('of any number of shards is the histogram and the counters of everything', () => {
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 60 }), answers => {
        const shards = [0, 1, 2, 3, 4].map(shard => answers.filter(each => each.shard === shard));
        expect(totalsOf(shards.toReversed())).toEqual(totalsOf([answers]));
      }),
      { numRuns: 12 },
    );
  });

  it("gives figures in k6's names, within 0.1 %", () => {
    const recorder = new EndpointRecorder();
    for (let ms = 1; ms <= 1000; ms++) recorder.answered(200, ms * 1000, ms * 2000, undefined);
    const delta = recorder.drain();
    const totals = createTotals();
    if (delta) addDelta(totals, { started: 1000, droppedIterations: 0, endpoints: { a: delta } });
    const { serviceTime, serviceTimeSumUs, responseTime } = sumOfEndpoints(totals);
    const figures = figuresOf(serviceTime, serviceTimeSumUs);
    expect(figures.avg).toBe(500.5);
    const known = { min: 1, med: 500, max: 1000, 'p(90)': 900, 'p(95)': 950, 'p(99)': 990 };
    for (const [name, value] of Object.entries(known)) {
      expect(Math.abs(figures[name as keyof typeof known] / value - 1)).toBeLessThan(0.001);
    }
    expect(Math.abs(figuresOf(responseTime)['p(95)'] / 1900 - 1)).toBeLessThan(0.001);
    expect(figuresOf(sumOfEndpoints(createTotals()).serviceTime, 0).avg).toBe(0);
  });
});

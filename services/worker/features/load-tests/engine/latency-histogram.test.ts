import fc from 'fast-check';
import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import { createLatencyHistogram, decodeHistogram, LatencyRecorder } from './latency-histogram.ts';

const us = fc.oneof(
  fc.integer({ min: 1, max: 5000 }),
  fc.integer({ min: 1, max: 3_600_000_000 }),
  fc.constantFrom(1, 2047, 2048, 4095, 4096, 3_600_000_000),
);

describe('a latency recorder', () => {
  it('encodes what the library would have recorded', () => {
    const recorder = new LatencyRecorder();
    fc.assert(
      fc.property(fc.array(us, { maxLength: 200 }), fc.integer({ min: 1, max: 300 }), (values, times) => {
        const expected = createLatencyHistogram();
        for (const value of values) expected.recordValueWithCount(value, times);
        for (let time = 0; time < times; time++) for (const value of values) recorder.record(value);
        expect(recorder.sumUs).toBe(values.reduce((sum, value) => sum + value, 0) * times);
        const decoded = decodeHistogram(recorder.drain());
        const itsOwn = decodeHistogram(encodeIntoCompressedBase64(expected));
        expect(encodeIntoCompressedBase64(decoded)).toBe(encodeIntoCompressedBase64(itsOwn));
      }),
      { numRuns: 15 },
    );
  });

  it('takes a value outside its range for the nearest one within', () => {
    const recorder = new LatencyRecorder();
    recorder.record(-3);
    recorder.record(1e12);
    const decoded = decodeHistogram(recorder.drain());
    expect([decoded.getValueAtPercentile(0), decoded.totalCount]).toEqual([1, 2]);
    expect(decoded.maxValue / 3_600_000_000).toBeCloseTo(1, 2);
  });
});

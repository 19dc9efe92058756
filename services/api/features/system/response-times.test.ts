import { createResponseTimes } from './response-times.ts';

it('knows the 95th percentile of the last five minutes', () => {
  let now = 0;
  const times = createResponseTimes(() => now);
  expect(times.p95()).toBeUndefined();
  for (let index = 1; index <= 100; index++) times.record(index / 100);
  expect(times.p95()).toBeCloseTo(0.95, 2);
  now = 3 * 60_000;
  for (let index = 0; index < 2000; index++) times.record(0.02);
  expect(times.p95()).toBeLessThan(0.2);
  now = 6 * 60_000; // the first minute is forgotten
  expect(times.p95()).toBeCloseTo(0.02, 3);
  now = 60 * 60_000;
  expect(times.p95()).toBeUndefined();
});

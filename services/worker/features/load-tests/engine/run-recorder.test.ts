import { RunRecorder } from './run-recorder.ts';

it('an engine tells a bounded number of events, and says when it stops telling', () => {
  const recorder = new RunRecorder(['home'], () => 0, true);
  const told = Array.from({ length: 5 }, () => {
    for (let index = 0; index < 70; index++) recorder.event('breaker_opened', 'open');
    return recorder.drain().events;
  }).flat();
  expect(told).toHaveLength(200);
  expect(told.at(-2)?.message).toBe('open');
  expect(told.at(-1)?.message).toBe('open; what follows of this shard is not told any more');
});

import pino from 'pino';
import { watchCancellations } from './cancellation.ts';

const logger = pino({ level: 'silent' });

test('a source that wakes the watch has its cancellations carried out at once', async () => {
  let wake = () => {};
  const cancelled = Promise.withResolvers<string>();
  const watch = watchCancellations({
    source: {
      cancelled: async ids => ids.filter(id => id === 'b'),
      onChange: given => {
        wake = given;
        return () => {};
      },
    },
    active: () => ['a', 'b'],
    cancel: cancelled.resolve,
    logger,
    intervalMs: 60_000,
  });
  wake();
  await expect(cancelled.promise).resolves.toBe('b');
  watch.stop();
});

test('a source that fails is asked again', async () => {
  let asked = 0;
  const cancelled = Promise.withResolvers<string>();
  const watch = watchCancellations({
    source: {
      cancelled: async ids => {
        asked += 1;
        if (asked === 1) throw new Error('away');
        return ids;
      },
    },
    active: () => ['a'],
    cancel: cancelled.resolve,
    logger,
    intervalMs: 5,
  });
  await expect(cancelled.promise).resolves.toBe('a');
  watch.stop();
});

test('a change during a question is followed by one more question, and nobody is asked when nothing runs', async () => {
  let wake = () => {};
  let asked = 0;
  let running = ['a'];
  const answers: (() => void)[] = [];
  const askedTwice = Promise.withResolvers<void>();
  const forgotten = Promise.withResolvers<void>();
  const watch = watchCancellations({
    source: {
      cancelled: () => {
        asked += 1;
        if (asked === 2) askedTwice.resolve();
        return new Promise(resolve => answers.push(() => resolve([])));
      },
      onChange: given => {
        wake = given;
        return forgotten.resolve;
      },
    },
    active: () => running,
    cancel: () => {},
    logger,
    intervalMs: 60_000,
  });
  wake();
  wake();
  wake();
  expect(asked).toBe(1);
  answers[0]?.();
  await askedTwice.promise;
  running = [];
  answers[1]?.();
  wake();
  expect(asked).toBe(2);
  watch.stop();
  await forgotten.promise;
});

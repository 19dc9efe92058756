import { DrizzleQueryError } from 'drizzle-orm';
import fc from 'fast-check';
import { AppError, isAppError, messageOf } from './errors.ts';
import { newId } from './ids.ts';
import { createLifecycle } from './lifecycle.ts';
import { backoffMs, sleep, waitFor } from './time.ts';

describe('a lifecycle', () => {
  it('stops in the reverse order, once, and reports all failures together', async () => {
    const stopped: string[] = [];
    const lifecycle = createLifecycle();
    lifecycle.onStop('first', () => void stopped.push('first'));
    lifecycle.onStop('second', () => {
      stopped.push('second');
      throw new Error('second failed');
    });
    lifecycle.onStop('third', () => void stopped.push('third'));
    await expect(lifecycle.stop()).rejects.toThrow('did not stop cleanly');
    await expect(lifecycle.stop()).rejects.toThrow('did not stop cleanly');
    expect(stopped).toEqual(['third', 'second', 'first']);
  });
});

describe('an error', () => {
  it('of ours has a code, faults and a hint', () => {
    const error = new AppError('not_found', 'There is no job', { hint: 'List them.' });
    expect(isAppError(error, 'not_found')).toBe(true);
    expect(isAppError(error, 'conflict')).toBe(false);
    expect(error).toMatchObject({ code: 'not_found', hint: 'List them.', faults: [] });
  });

  it('has a readable message whatever was thrown', () => {
    expect(messageOf(new AggregateError([new Error('a'), new Error('b')]))).toBe('a; b');
    expect(messageOf('text')).toBe('text');
  });

  it('of a failed query tells the cause, and not the statement with its parameters', () => {
    const cause = new Error('relation "users" does not exist');
    expect(messageOf(new DrizzleQueryError('insert into users values ($1)', ['$argon2id$'], cause))).toBe(
      cause.message,
    );
  });
});

describe('time', () => {
  it('backs off between half and all of a doubling delay, up to the cap', () => {
    fc.assert(
      fc.property(fc.nat({ max: 60 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const delay = backoffMs(attempt, 100, 5000, () => random);
        const ceiling = Math.min(5000, 100 * 2 ** attempt);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(ceiling / 2));
        expect(delay).toBeLessThanOrEqual(ceiling);
      }),
    );
  });

  it('ends a sleep with the reason of its signal', async () => {
    const stop = new AbortController();
    const sleeping = sleep(60_000, stop.signal);
    stop.abort(new AppError('cancelled'));
    await expect(sleeping).rejects.toMatchObject({ code: 'cancelled' });
    await expect(sleep(1, stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('waits for a value, and says what it waited for in vain', async () => {
    let asked = 0;
    expect(await waitFor('three', () => (++asked === 3 ? asked : undefined), { intervalMs: 1 })).toBe(3);
    const never = waitFor('a miracle', () => false, { timeoutMs: 5, intervalMs: 1 });
    await expect(never).rejects.toThrow('waiting for a miracle');
  });
});

it('ids are time-ordered', () => {
  const ids = Array.from({ length: 100 }, newId);
  expect(ids).toEqual(ids.toSorted());
});

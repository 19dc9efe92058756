import postgres from 'postgres';
import { AppError } from '../../shared/kernel/errors.ts';
import { refusalOf } from './refusal.ts';

function refusedWith(code: string): Error {
  const error = Object.create(postgres.PostgresError.prototype);
  return new Error('Failed query', { cause: Object.assign(error, { code, message: 'refused' }) });
}

const { signal } = new AbortController();
const first = { signal, isLastAttempt: false };
const last = { signal, isLastAttempt: true };

describe('a task is refused', () => {
  it('at once by what no further try gets past, in the words of the database', () => {
    expect(refusalOf(refusedWith('23514'), first)).toEqual({ code: 'internal_error', message: 'refused' });
    expect(refusalOf(new AppError('secret_unreadable', 'no key'), first)).toEqual({
      code: 'secret_unreadable',
      message: 'no key',
    });
  });

  it('by its last try where what it meets might have passed', () => {
    expect(refusalOf(refusedWith('40001'), first)).toBeUndefined();
    expect(refusalOf(refusedWith('40001'), last)).toMatchObject({ message: 'refused' });
    expect(refusalOf(new TypeError('x is not a function'), last)).toMatchObject({
      message: 'x is not a function',
    });
  });

  it('never by an outage, however often it is tried', () => {
    expect(refusalOf(refusedWith('57P01'), last)).toBeUndefined();
    expect(refusalOf(new AppError('dependency_unavailable'), last)).toBeUndefined();
  });

  it('by nothing that its worker lets go of', () => {
    const stopped = AbortSignal.abort(new AppError('shutting_down'));
    expect(refusalOf(refusedWith('23514'), { signal: stopped, isLastAttempt: true })).toBeUndefined();
  });
});

import postgres from 'postgres';
import { AppError } from '../../shared/kernel/errors.ts';
import { isOutage, isRetryable } from './outcome.ts';

function refusal(code: string): Error {
  const error = Object.create(postgres.PostgresError.prototype);
  return Object.assign(error, { code, message: 'refused' });
}

describe('an error', () => {
  it.each(['40001', '40P01', '53300', '57P01', '08006', '25P03'])('SQLSTATE %s may pass', state => {
    expect(isRetryable(new Error('Failed query', { cause: refusal(state) }))).toBe(true);
  });

  it.each(['42P01', '42501', '23505', '22001'])('SQLSTATE %s is final', state => {
    expect(isRetryable(new Error('Failed query', { cause: refusal(state) }))).toBe(false);
  });

  it('of ours is final unless its code says that it may pass', () => {
    expect(isRetryable(new AppError('not_found'))).toBe(false);
    expect(isRetryable(new AppError('secret_unreadable'))).toBe(false);
    expect(isRetryable(new AppError('dependency_unavailable'))).toBe(true);
  });

  it('from outside, such as a lost connection, may pass', () => {
    expect(isRetryable(new Error('connect ECONNREFUSED'))).toBe(true);
  });
});

describe('an outage', () => {
  const connection = (code: string) => Object.assign(new Error('no connection'), { code });

  it.each(['08006', '25006', '53300', '57P01', '57P03'])('is what SQLSTATE %s says', state => {
    expect(isOutage(new Error('Failed query', { cause: refusal(state) }))).toBe(true);
  });

  it.each(['40P01', '25P04', '57014', '23505'])('is not what SQLSTATE %s says', state => {
    expect(isOutage(new Error('Failed query', { cause: refusal(state) }))).toBe(false);
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'CONNECTION_CLOSED', 'CONNECT_TIMEOUT'])('is %s', code => {
    expect(isOutage(new Error('Failed query', { cause: connection(code) }))).toBe(true);
  });

  it('is a server that is away, not a mistake in our own code', () => {
    expect(isOutage(new TypeError('x is not a function'))).toBe(false);
    expect(isOutage(connection('ERR_INVALID_ARG_TYPE'))).toBe(false);
    expect(isOutage(new AppError('internal_error'))).toBe(false);
    expect(isOutage(new AppError('dependency_unavailable'))).toBe(true);
  });
});

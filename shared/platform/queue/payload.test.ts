import { z } from 'zod';
import { defineQueue } from './contract.ts';
import { assertStorable, bullJob } from './payload.ts';

const contract = defineQueue({
  name: 'mails',
  payload: z.object({ to: z.string().toLowerCase() }),
  result: z.null(),
  jobId: ({ to }) => to,
  options: { attempts: 4, backoffMs: 100, keepSeconds: 60 },
});

test('a job carries the parsed payload, its id and the contract’s rules', () => {
  expect(bullJob(contract, { to: 'ANN' })).toEqual({
    name: 'mails',
    data: { to: 'ann' },
    opts: {
      jobId: 'ann',
      attempts: 4,
      backoff: { type: 'exponential', delay: 100, jitter: 0.5 },
      removeOnComplete: { age: 60 },
      removeOnFail: { age: 60 },
    },
  });
});

test('a delay and a priority are passed on', () => {
  expect(bullJob(contract, { to: 'ann' }, { delayMs: 5, priority: 2 }).opts).toMatchObject({
    delay: 5,
    priority: 2,
  });
});

test.each([[''], ['12'], ['a:b'], ['failed'], ['stalled-check']])('"%s" is no job id', to => {
  expect(() => bullJob(contract, { to })).toThrow(/cannot be a job id/);
});

test('a null character is found however deep, and a written-out escape is not taken for one', () => {
  expect(() => assertStorable('It', { a: [{ b: 'x\u0000' }] })).toThrow(/It has a U\+0000/);
  expect(() => assertStorable('It', { '\u0000': 1 })).toThrow();
  expect(() => assertStorable('It', { a: '\\\u0000' })).toThrow();
  expect(() => assertStorable('It', { a: '\\u0000' })).not.toThrow();
  expect(() => assertStorable('It', undefined)).not.toThrow();
});

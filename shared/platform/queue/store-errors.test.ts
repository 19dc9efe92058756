import pino from 'pino';
import { answered, logStoreErrors } from './store-errors.ts';

test('a call that the store does not answer is a dependency that is away', async () => {
  const never = Promise.withResolvers<never>().promise;
  await expect(answered(never, 10)).rejects.toMatchObject({
    code: 'dependency_unavailable',
    message: expect.stringContaining('no answer within 10 ms'),
  });
  await expect(answered(Promise.reject(new Error('refused')), 1000, 'Start it.')).rejects.toMatchObject({
    code: 'dependency_unavailable',
    hint: 'Start it.',
  });
  await expect(answered(Promise.resolve(7), 1000)).resolves.toBe(7);
});

test('of a burst of errors the first is logged, and once it is quiet the next one with how many there were', () => {
  const lines: { times: number; reason: string }[] = [];
  const logger = pino({ level: 'warn' }, { write: line => lines.push(JSON.parse(line)) });
  let time = 0;
  const listener = logStoreErrors(logger, { quietMs: 5000, now: () => time });
  const away = () => Object.assign(new Error('away'), { code: 'ECONNRESET', client: { password: 'secret' } });
  for (let times = 0; times < 100; times += 1) listener(away());
  time = 5001;
  listener(new Error('still away'));
  expect(lines.map(({ times, reason }) => [times, reason])).toEqual([
    [1, 'away'],
    [100, 'still away'],
  ]);
  expect(lines[0]).toMatchObject({ code: 'ECONNRESET' });
  expect(JSON.stringify(lines)).not.toMatch('client');
});

import { createRunningJobs } from './running-jobs.ts';

test('a job is aborted with the code as its reason, the others are not', () => {
  const running = createRunningJobs();
  const [one, two] = [running.begin('one'), running.begin('two')];
  running.abort('one', 'cancelled');
  running.abort('unknown', 'cancelled');
  expect(one.reason).toMatchObject({ code: 'cancelled' });
  expect(two.aborted).toBe(false);
  expect(running.ids()).toEqual(['one', 'two']);
});

test('a job that begins after the end is aborted from the start', () => {
  const running = createRunningJobs();
  const before = running.begin('before');
  running.abortAll('shutting_down');
  expect(before.reason).toMatchObject({ code: 'shutting_down' });
  expect(running.begin('after').reason).toMatchObject({ code: 'shutting_down' });
});

test('the end of a first run does not hide a second run of the same job', () => {
  const running = createRunningJobs();
  const first = running.begin('job');
  const second = running.begin('job');
  running.end('job', first);
  expect(running.ids()).toEqual(['job']);
  running.end('job', second);
  expect(running.ids()).toEqual([]);
});

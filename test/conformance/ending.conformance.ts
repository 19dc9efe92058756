import { once } from 'node:events';
import { createSignals } from './signals.ts';
import type { TaskHandler, Workbench } from './workbench.ts';

/** A handler that ends when its signal does. */
const hang =
  (started: (attempt: number) => void): TaskHandler =>
  async ({ attempt, signal }) => {
    started(attempt);
    await once(signal, 'abort');
    throw signal.reason;
  };

/** How work is ended from outside: taken out, cancelled, handed back. */
export function describeEnding({ queue }: Workbench, cancel: (jobId: string) => Promise<void>): void {
  test('a waiting job that is removed is never delivered', async () => {
    const { contract, client, consume, untilState } = await queue();
    const seen: string[] = [];
    await client.enqueueAll(contract, [{ id: 'unwanted' }, { id: 'wanted' }]);
    await expect(client.remove(contract, 'unwanted')).resolves.toBe(true);
    await expect(client.remove(contract, 'never-there')).resolves.toBe(true);
    await consume(async ({ jobId }) => {
      seen.push(jobId);
      return { said: '' };
    });
    await untilState('wanted', 'completed');
    expect(seen).toEqual(['wanted']);
    await expect(client.state(contract, 'unwanted')).resolves.toBe('missing');
  });

  test('a job that a worker has is not removed', async () => {
    const { contract, client, consume } = await queue();
    const started = createSignals<number>();
    await consume(hang(started.push));
    await client.enqueue(contract, { id: 'busy' });
    await started.when('start', () => true);
    await expect(client.remove(contract, 'busy')).resolves.toBe(false);
    await expect(client.state(contract, 'busy')).resolves.toBe('active');
  });

  test('an active job is cancelled from another process, and not tried again', async () => {
    const { contract, client, spawnWorker, untilState } = await queue({ attempts: 5 });
    const worker = await spawnWorker();
    await client.enqueue(contract, { id: 'to-cancel' });
    await worker.said.when('start', ({ event }) => event === 'started');
    await cancel('to-cancel');
    const aborted = await worker.said.when('abort', ({ event }) => event === 'aborted');
    expect(aborted).toEqual({ event: 'aborted', jobId: 'to-cancel', code: 'cancelled' });
    await untilState('to-cancel', 'failed');
  });

  test('a job that waits for its next try has it at once when it is promoted, and one that runs goes on', async () => {
    const { contract, client, consume, untilState } = await queue({ attempts: 2, backoffMs: 600_000 });
    const started = createSignals<number>();
    const finish = Promise.withResolvers<void>();
    await consume(async ({ attempt }) => {
      started.push(attempt);
      if (attempt === 1) throw new Error('fails');
      await finish.promise;
      return { said: '' };
    });
    await client.enqueue(contract, { id: 'impatient' });
    await untilState('impatient', 'delayed');
    await client.promote(contract, { id: 'impatient' });
    await started.when('the second try', attempt => attempt === 2);
    await client.promote(contract, { id: 'impatient' });
    await client.promote(contract, { id: 'never-there' });
    finish.resolve();
    await untilState('impatient', 'completed');
    expect(started.all).toEqual([1, 2]);
  });

  test('a worker that stops takes no new job and lets the running one end', async () => {
    const { contract, client, consume, untilState } = await queue();
    const started = createSignals<string>();
    const finish = Promise.withResolvers<void>();
    const consumer = await consume(async ({ jobId }) => {
      started.push(jobId);
      await finish.promise;
      return { said: '' };
    });
    await client.enqueueAll(contract, [{ id: 'running' }, { id: 'next' }]);
    await started.when('start', () => true);
    const stopped = consumer.stop({ deadlineMs: 10_000 });
    finish.resolve();
    await stopped;
    await untilState('running', 'completed');
    expect(started.all).toEqual(['running']);
    await expect(client.state(contract, 'next')).resolves.toBe('waiting');
  });

  test('at the deadline a stopping worker hands its jobs back, and another takes them in the same attempt', async () => {
    const { contract, client, consume, untilState } = await queue({ attempts: 1 });
    const started = createSignals<number>();
    const codes = createSignals<unknown>();
    const consumer = await consume(async context => {
      context.signal.addEventListener('abort', () => codes.push(context.signal.reason));
      return hang(started.push)(context);
    });
    await client.enqueue(contract, { id: 'handed-over' });
    await started.when('start', () => true);
    const attempts: number[] = [];
    await consumer.stop({ deadlineMs: 50 });
    await expect(client.state(contract, 'handed-over')).resolves.toBe('waiting');
    expect(codes.all).toEqual([expect.objectContaining({ code: 'shutting_down' })]);
    await consume(async ({ attempt }) => {
      attempts.push(attempt);
      return { said: '' };
    });
    await untilState('handed-over', 'completed');
    expect(attempts).toEqual([1]);
  });

  test('a handler that ignores its signal does not keep a worker from stopping', async () => {
    const { contract, client, consume } = await queue();
    const started = createSignals<number>();
    const never = Promise.withResolvers<never>();
    const deaf: TaskHandler = ({ attempt }) => {
      started.push(attempt);
      return never.promise;
    };
    const consumer = await consume(deaf, { graceMs: 100 });
    await client.enqueue(contract, { id: 'deaf' });
    await started.when('start', () => true);
    await consumer.stop({ deadlineMs: 50 });
    await expect(client.state(contract, 'deaf')).resolves.toBe('waiting');
  });
}

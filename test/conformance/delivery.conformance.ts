import { createSignals } from './signals.ts';
import type { Workbench } from './workbench.ts';

/** What goes in comes out: once, parsed, in order, at its time, and again after a failure. */
export function describeDelivery({ queue }: Workbench): void {
  test('a job is delivered with its payload as the contract parses it, and its result is kept', async () => {
    const { contract, client, consume, untilState } = await queue();
    const seen = createSignals<unknown>();
    await consume(async ({ payload, jobId, attempt, attempts, isLastAttempt }) => {
      seen.push({ payload, jobId, attempt, attempts, isLastAttempt });
      return { said: 'hello' };
    });
    await expect(client.enqueue(contract, { id: '  greeting ', text: 'hi' })).resolves.toEqual({
      jobId: 'greeting',
    });
    await untilState('greeting', 'completed');
    expect(seen.all).toEqual([
      {
        payload: { id: 'greeting', text: 'hi' },
        jobId: 'greeting',
        attempt: 1,
        attempts: 3,
        isLastAttempt: false,
      },
    ]);
    const job = await client.bullQueues()[0]?.getJob('greeting');
    expect(job?.returnvalue).toEqual({ said: 'hello' });
  });

  test('a failed attempt is repeated, later each time, until one succeeds', async () => {
    const { contract, client, consume, untilState } = await queue({ attempts: 3, backoffMs: 200 });
    const startedAt: number[] = [];
    const last: boolean[] = [];
    await consume(async ({ attempt, isLastAttempt }) => {
      startedAt.push(performance.now());
      last.push(isLastAttempt);
      if (attempt < 3) throw new Error('not yet');
      return { said: 'at last' };
    });
    await client.enqueue(contract, { id: 'stubborn' });
    await untilState('stubborn', 'completed');
    const [first = 0, second = 0, third = 0] = startedAt;
    expect(last).toEqual([false, false, true]);
    expect(second - first).toBeGreaterThanOrEqual(99); // half of the backoff is jitter
    expect(third - second).toBeGreaterThanOrEqual(199);
  });

  test('a job whose last attempt fails is failed, with the reason', async () => {
    const { contract, client, consume, untilState } = await queue({ attempts: 2, backoffMs: 10 });
    const attempts: number[] = [];
    await consume(async ({ attempt }) => {
      attempts.push(attempt);
      throw new Error(`no \u0000 luck`);
    });
    await client.enqueue(contract, { id: 'hopeless' });
    await untilState('hopeless', 'failed');
    expect(attempts).toEqual([1, 2]);
    expect((await client.bullQueues()[0]?.getJob('hopeless'))?.failedReason).toBe('no \uFFFD luck');
  });

  test('an error that no attempt can mend fails the job at once', async () => {
    const { contract, client, consume, untilState } = await queue({ attempts: 5 });
    let attempts = 0;
    await consume(
      async () => {
        attempts += 1;
        throw new Error('permanent');
      },
      { isRetryable: () => false },
    );
    await client.enqueue(contract, { id: 'doomed' });
    await untilState('doomed', 'failed');
    expect(attempts).toBe(1);
  });

  test('a payload that does not fit its contract any more fails for good, unseen by the handler', async () => {
    const { contract, client, consume, untilState } = await queue({ attempts: 5 });
    let calls = 0;
    await consume(async () => {
      calls += 1;
      return { said: '' };
    });
    await client.bullQueues()[0]?.add(contract.name, { id: 7 }, { jobId: 'old-format', attempts: 5 });
    await untilState('old-format', 'failed');
    expect(calls).toBe(0);
    const job = await client.bullQueues()[0]?.getJob('old-format');
    expect(job?.failedReason).toMatch(/does not fit its contract/);
    expect(job?.attemptsMade).toBe(1);
  });

  test('a payload that does not fit, or that the store cannot hold, is refused on the way in', async () => {
    const { contract, client } = await queue();
    const refused = expect.objectContaining({ code: 'payload_unreadable' });
    await expect(client.enqueue(contract, { id: '' })).rejects.toEqual(refused);
    await expect(client.enqueue(contract, { id: 'a', text: 'nul \u0000' })).rejects.toEqual(refused);
    await expect(client.enqueue(contract, { id: 'a:b' })).rejects.toEqual(refused);
    await expect(client.enqueue(contract, { id: 'failed' })).rejects.toEqual(refused);
    await expect(client.enqueueAll(contract, [{ id: 'fine' }, { id: '7' }])).rejects.toEqual(refused);
    expect((await client.counts())[contract.name]?.waiting).toBe(0);
  });

  test('a delayed job is not delivered before its time', async () => {
    const { contract, client, consume, untilState } = await queue();
    const deliveredAt = createSignals<number>();
    await consume(async () => {
      deliveredAt.push(Date.now());
      return { said: '' };
    });
    const addedAt = Date.now();
    await client.enqueue(contract, { id: 'later' }, { delayMs: 400 });
    await untilState('later', 'delayed');
    const took = (await deliveredAt.when('delivery', () => true)) - addedAt;
    expect(took).toBeGreaterThanOrEqual(400);
    expect(took).toBeLessThan(5000);
  });

  test('jobs are taken in order, those without a priority first, then by priority', async () => {
    const { contract, client, consume } = await queue();
    await client.enqueue(contract, { id: 'low' }, { priority: 9 });
    await client.enqueue(contract, { id: 'high' }, { priority: 1 });
    await client.enqueue(contract, { id: 'first' });
    await client.enqueue(contract, { id: 'second' });
    const order = createSignals<string>();
    await consume(async ({ jobId }) => {
      order.push(jobId);
      return { said: '' };
    });
    await order.when('last job', id => id === 'low');
    expect(order.all).toEqual(['first', 'second', 'high', 'low']);
  });

  test('a job id that the queue has is not added again, alone or among others', async () => {
    const { contract, client, consume, untilState } = await queue();
    const seen: string[] = [];
    await client.enqueue(contract, { id: 'once', text: 'first' });
    await client.enqueue(contract, { id: 'once', text: 'second' });
    await client.enqueueAll(contract, [{ id: 'once', text: 'third' }, { id: 'other' }, { id: 'other' }]);
    expect((await client.counts())[contract.name]?.waiting).toBe(2);
    await consume(async ({ jobId, payload }) => {
      seen.push(`${jobId} ${payload.text}`);
      return { said: '' };
    });
    await untilState('other', 'completed');
    await client.enqueue(contract, { id: 'once', text: 'after its end' });
    await untilState('once', 'completed');
    expect(seen).toEqual(['once first', 'other undefined']);
  });

  test('thousands of jobs are added together', async () => {
    const { contract, client } = await queue();
    const payloads = Array.from({ length: 2500 }, (_, index) => ({ id: `task-${index}` }));
    const refs = await client.enqueueAll(contract, payloads);
    expect(refs).toHaveLength(2500);
    expect(await client.counts()).toEqual({
      [contract.name]: {
        waiting: 2500,
        delayed: 0,
        active: 0,
        completed: 0,
        failed: 0,
        'waiting-children': 0,
      },
    });
  });

  test('progress and log lines are on the job, the last progress and all the lines in order', async () => {
    const { contract, client, consume, untilState } = await queue();
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    await consume(async ({ report, log }) => {
      for (const [index, line] of lines.entries()) {
        log(line);
        report({ phase: 'writing', done: index + 1, total: lines.length });
      }
      return { said: '' };
    });
    await client.enqueue(contract, { id: 'noted' });
    await untilState('noted', 'completed');
    const queueOfJobs = client.bullQueues()[0];
    expect((await queueOfJobs?.getJob('noted'))?.progress).toEqual({ phase: 'writing', done: 20, total: 20 });
    expect((await queueOfJobs?.getJobLogs('noted'))?.logs).toEqual(lines);
  });

  test('a parent runs when all its children have ended, and sees the results of those that completed', async () => {
    const { contract, client, consume, untilState } = await queue({ attempts: 1 });
    const order: string[] = [];
    const results = createSignals<unknown[]>();
    await client.enqueueFlow({ contract, payload: { id: 'parent' } }, [
      { contract, payload: { id: 'left' } },
      { contract, payload: { id: 'right' } },
      { contract, payload: { id: 'broken' } },
    ]);
    await untilState('parent', 'waiting-children');
    await consume(async ({ jobId, childResults }) => {
      order.push(jobId);
      if (jobId === 'broken') throw new Error('a child fails');
      if (jobId === 'parent') results.push(await childResults());
      return { said: jobId };
    });
    await untilState('parent', 'completed');
    expect(order.toSorted()).toEqual(['broken', 'left', 'parent', 'right']);
    expect(order.at(-1)).toBe('parent');
    expect(results.all[0]).toHaveLength(2);
    expect(results.all[0]).toEqual(expect.arrayContaining([{ said: 'left' }, { said: 'right' }]));
  });
}

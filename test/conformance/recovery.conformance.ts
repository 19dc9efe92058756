import { once } from 'node:events';
import { startTcpRelay } from '../fixtures/tcp-relay.ts';
import { createSignals } from './signals.ts';
import { type ChildWorker, kill, type Store, type TaskHandler, type Workbench } from './workbench.ts';

const returns: TaskHandler = async () => ({ said: '' });

/** Whichever of the workers starts the job first. */
const taker = (workers: ChildWorker[]): Promise<ChildWorker> =>
  Promise.race(
    workers.map(async worker => {
      await worker.said.when('start', ({ event }) => event === 'started');
      return worker;
    }),
  );

/** What survives the death of workers, the loss of the queue's data, and the absence of its store. */
export function describeRecovery({ queue }: Workbench, store: Store): void {
  test('a job outlives three workers that are killed under it, one after the other', async () => {
    const { contract, client, spawnWorker, untilState } = await queue({ attempts: 1 });
    let workers: ChildWorker[] = await Promise.all([
      spawnWorker(),
      spawnWorker(),
      spawnWorker(),
      spawnWorker(),
    ]);
    await client.enqueue(contract, { id: 'survivor' });
    for (let kills = 0; kills < 3; kills += 1) {
      const victim = await taker(workers);
      await kill(victim.process);
      workers = workers.filter(worker => worker !== victim);
    }
    const last = await taker(workers);
    expect(last.said.all.at(-1)).toEqual({ event: 'started', jobId: 'survivor', attempt: 1 });
    last.tell('finish');
    await untilState('survivor', 'completed');
  }, 90_000);

  test('a worker that was frozen for longer than its lock learns that the job is another one\u2019s', async () => {
    const { contract, client, spawnWorker, untilState } = await queue({ attempts: 1 });
    const workers = await Promise.all([spawnWorker(), spawnWorker()]);
    await client.enqueue(contract, { id: 'contested' });
    const frozen = await taker(workers);
    const others = workers.filter(worker => worker !== frozen);
    frozen.process.kill('SIGSTOP');
    const next = await taker(others);
    frozen.process.kill('SIGCONT');
    const aborted = await frozen.said.when('abort', ({ event }) => event === 'aborted');
    expect(aborted).toMatchObject({ code: 'lease_lost' });
    await expect(client.state(contract, 'contested')).resolves.toBe('active');
    next.tell('finish');
    await untilState('contested', 'completed');
  }, 90_000);

  test('jobs that the queue lost are put back, and its workers take them without a restart', async () => {
    const { contract, client, consume, untilState } = await queue();
    const seen: string[] = [];
    await client.enqueue(contract, { id: 'later' }, { delayMs: 600_000 });
    await consume(async ({ jobId }) => {
      seen.push(jobId);
      return { said: '' };
    });
    await store.wipe();
    await expect(client.state(contract, 'later')).resolves.toBe('missing');
    await expect(client.revive(contract, { id: 'later' })).resolves.toBe(true);
    await untilState('later', 'completed');
    expect(seen).toEqual(['later']);
  });

  test('a job that is lost while it runs has its signal aborted', async () => {
    const { contract, client, consume } = await queue();
    const codes = createSignals<unknown>();
    await consume(
      async ({ signal }) => {
        codes.push('started');
        await once(signal, 'abort');
        codes.push(signal.reason);
        throw signal.reason;
      },
      { lockDurationMs: 1000 },
    );
    await client.enqueue(contract, { id: 'lost' });
    await codes.when('start', value => value === 'started');
    await store.wipe();
    const reason = await codes.when('abort', value => value !== 'started');
    expect(reason).toMatchObject({ code: 'lease_lost' });
    await expect(client.revive(contract, { id: 'lost' })).resolves.toBe(true);
  });

  test('reviving puts back what is missing, failed or completed, and leaves what waits or runs alone', async () => {
    const { contract, client, consume, untilState } = await queue({ attempts: 2, backoffMs: 10 });
    const attempts: string[] = [];
    const consumer = await consume(async ({ jobId, attempt }) => {
      attempts.push(`${jobId} ${attempt}`);
      if (jobId === 'was-failed') throw new Error('fails');
      return { said: '' };
    });
    await client.enqueueAll(contract, [{ id: 'was-completed' }, { id: 'was-failed' }]);
    await untilState('was-completed', 'completed');
    await untilState('was-failed', 'failed');
    await consumer.stop({ deadlineMs: 1000 });
    await client.enqueue(contract, { id: 'was-waiting' });
    await client.enqueue(contract, { id: 'was-delayed' }, { delayMs: 600_000 });
    const ids = ['was-completed', 'was-failed', 'was-missing', 'was-waiting', 'was-delayed'];
    const revived = await client.reviveAll(
      contract,
      ids.map(id => ({ id })),
    );
    expect(revived.toSorted()).toEqual(['was-completed', 'was-failed', 'was-missing']);
    expect((await client.counts())[contract.name]).toMatchObject({ waiting: 4, delayed: 1 });
    attempts.length = 0;
    await consume(async ({ jobId, attempt }) => {
      attempts.push(`${jobId} ${attempt}`);
      return { said: '' };
    });
    for (const id of ['was-completed', 'was-failed', 'was-missing', 'was-waiting'])
      await untilState(id, 'completed');
    expect(attempts.toSorted()).toEqual([
      'was-completed 1',
      'was-failed 1',
      'was-missing 1',
      'was-waiting 1',
    ]);
  });

  test('the results of those that completed can be asked for, and of no others', async () => {
    const { contract, client, consume, untilState } = await queue({ attempts: 1 });
    await consume(async ({ jobId }) => {
      if (jobId === 'was-failed') throw new Error('fails');
      return { said: jobId };
    });
    await client.enqueueAll(contract, [{ id: 'was-completed' }, { id: 'was-failed' }]);
    await untilState('was-completed', 'completed');
    await untilState('was-failed', 'failed');
    const ids = ['was-completed', 'was-failed', 'was-missing'];
    const results = await client.results(
      contract,
      ids.map(id => ({ id })),
    );
    expect(results).toEqual([{ said: 'was-completed' }]);
  });

  test('without its store a client fails at once, and all goes on when the store is back', async () => {
    const { redisUrl, databaseUrl, prefix } = store;
    const relay = await startTcpRelay(redisUrl ?? databaseUrl);
    const behindRelay =
      redisUrl === undefined
        ? { databaseUrl: relay.url, prefix }
        : { redisUrl: relay.url, databaseUrl, prefix };
    const { contract, client, consume, untilState } = await queue({}, behindRelay);
    const started = createSignals<string>();
    const finish = Promise.withResolvers<void>();
    await consume(
      async ({ jobId }) => {
        started.push(jobId);
        await finish.promise;
        return { said: '' };
      },
      { concurrency: 2 },
    );
    await client.enqueue(contract, { id: 'running' });
    await started.when('start', () => true);

    await relay.cut();
    const cutAt = performance.now();
    const away = expect.objectContaining({ code: 'dependency_unavailable' });
    await expect(client.enqueue(contract, { id: 'not-added' })).rejects.toEqual(away);
    await expect(client.ping()).rejects.toEqual(away);
    expect(performance.now() - cutAt).toBeLessThan(2000);
    finish.resolve();
    await relay.mend();

    await untilBack(() => client.ping());
    await untilState('running', 'completed');
    await client.enqueue(contract, { id: 'afterwards' });
    await untilState('afterwards', 'completed');
    await relay.stop();
  });

  test('a worker stops in time while its store is away', async () => {
    const { redisUrl, databaseUrl, prefix } = store;
    const relay = await startTcpRelay(redisUrl ?? databaseUrl);
    const behindRelay =
      redisUrl === undefined
        ? { databaseUrl: relay.url, prefix }
        : { redisUrl: relay.url, databaseUrl, prefix };
    const { consume } = await queue({}, behindRelay);
    const consumer = await consume(returns);
    await relay.cut();
    const cutAt = performance.now();
    await consumer.stop({ deadlineMs: 100 });
    expect(performance.now() - cutAt).toBeLessThan(6000);
  });
}

async function untilBack(ping: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await ping();
    } catch {
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }
}

import { testDatabases } from '../../../test/fixtures/database.ts';
import { newId } from '../../kernel/ids.ts';
import { appendLog, readJobEvents } from './job-events.ts';
import {
  cancelledAmong,
  claimJob,
  finishJob,
  handBackJob,
  type JobLease,
  releaseJob,
  saveProgress,
} from './job-runs.ts';
import {
  findJob,
  insertJob,
  listJobs,
  listOpenJobs,
  markEnqueued,
  requestCancel,
  requeueJob,
} from './jobs.ts';

const databases = testDatabases();
const db = () => databases.platform.db;

async function submit(kind = 'test.work'): Promise<string> {
  const id = newId();
  await insertJob(db(), { id, kind, payload: { note: 'it’s “quoted”' }, requestedBy: 'ada' });
  return id;
}

async function claim(id: string, worker = 'w1'): Promise<JobLease> {
  const row = await claimJob(db(), id, worker);
  if (row === undefined) throw new Error(`${id} cannot be claimed`);
  return { id, epoch: row.epoch };
}

describe('a submission', () => {
  it('is queued, with its payload and an outbox mark', async () => {
    const id = await submit();
    expect(await findJob(db(), id)).toMatchObject({
      status: 'queued',
      payload: { note: 'it’s “quoted”' },
      requestedBy: 'ada',
      enqueuedAt: null,
      attempts: 0,
    });
    await markEnqueued(db(), [id]);
    expect((await findJob(db(), id))?.enqueuedAt).toBeInstanceOf(Date);
  });

  it('is not there when its transaction rolls back', async () => {
    const id = newId();
    const failing = db().transaction(async tx => {
      await insertJob(tx, { id, kind: 'test.work', payload: {}, requestedBy: 'ada' });
      throw new Error('later in the transaction');
    });
    await expect(failing).rejects.toThrow('later in the transaction');
    expect(await findJob(db(), id)).toBeUndefined();
    expect(await readJobEvents(db(), id, 0)).toEqual([]);
  });

  it('is listed newest first, by kind and status, page after page', async () => {
    const ids = [await submit('test.list'), await submit('test.list'), await submit('test.list')].reverse();
    const first = await listJobs(db(), { kind: 'test.list', limit: 2 });
    expect(first.map(row => row.id)).toEqual(ids.slice(0, 2));
    const second = await listJobs(db(), { kind: 'test.list', before: ids[1], limit: 2 });
    expect(second.map(row => row.id)).toEqual(ids.slice(2));
    expect(await listJobs(db(), { kind: 'test.list', status: 'failed', limit: 2 })).toEqual([]);
  });

  it('is open until it has ended', async () => {
    const id = await submit('test.open');
    const open = async () => {
      const rows = await listOpenJobs(db(), { olderThanMs: -1000, limit: 1000 });
      return rows.some(row => row.id === id);
    };
    expect(await open()).toBe(true);
    await finishJob(db(), await claim(id), { status: 'succeeded', result: {} });
    expect(await open()).toBe(false);
  });
});

describe('a lease', () => {
  it('is void once another worker has taken the job: every write under it changes nothing', async () => {
    const id = await submit();
    const stale = await claim(id, 'stale');
    const fresh = await claim(id, 'fresh');
    expect(await saveProgress(db(), stale, { phase: 'x', done: 1, total: 2 })).toBe(false);
    expect(await releaseJob(db(), stale, { code: 'x', message: 'x' })).toBe(false);
    expect(await handBackJob(db(), stale)).toBe(false);
    expect(await finishJob(db(), stale, { status: 'failed' })).toBe(false);
    expect(await findJob(db(), id)).toMatchObject({ status: 'running', worker: 'fresh', attempts: 2 });
    expect(await finishJob(db(), fresh, { status: 'succeeded', result: { n: 1 } })).toBe(true);
    expect(await finishJob(db(), fresh, { status: 'failed' })).toBe(false);
    expect(await findJob(db(), id)).toMatchObject({ status: 'succeeded', result: { n: 1 } });
  });

  it('is never that of another worker that takes the job at the same time', async () => {
    const id = await submit();
    const workers = Array.from({ length: 20 }, (_, n) => `w${n}`);
    const rows = await Promise.all(workers.map(worker => claimJob(db(), id, worker)));
    for (const [n, row] of rows.entries()) expect([undefined, workers[n]]).toContain(row?.worker);
    expect(rows.filter(row => row?.epoch === 20)).toHaveLength(1);
  });

  it('cannot be had on a job that has ended', async () => {
    const id = await submit();
    await finishJob(db(), await claim(id), { status: 'succeeded' });
    expect(await claimJob(db(), id, 'late')).toBeUndefined();
  });

  it('that is handed back does not count as a try', async () => {
    const id = await submit();
    await handBackJob(db(), await claim(id));
    expect(await findJob(db(), id)).toMatchObject({ status: 'queued', attempts: 0, worker: null });
  });

  it('keeps the percentage to a tenth', async () => {
    const id = await submit();
    await saveProgress(db(), await claim(id), { phase: 'creating', done: 1, total: 3 });
    expect((await findJob(db(), id))?.progress).toEqual({
      phase: 'creating',
      done: 1,
      total: 3,
      percent: 33.3,
    });
  });
});

describe('a cancellation', () => {
  it('ends a job that no worker ever took at once', async () => {
    const id = await submit();
    expect(await requestCancel(db(), id)).toBe(true);
    expect(await findJob(db(), id)).toMatchObject({ status: 'cancelled', finishedAt: expect.any(Date) });
    expect(await requestCancel(db(), id)).toBe(false);
  });

  it('is left to the worker of a job that runs', async () => {
    const id = await submit();
    const lease = await claim(id);
    expect(await cancelledAmong(db(), [id])).toEqual([]);
    expect(await requestCancel(db(), id)).toBe(true);
    expect(await findJob(db(), id)).toMatchObject({ status: 'running' });
    expect(await cancelledAmong(db(), [id, newId()])).toEqual([id]);
    expect(await finishJob(db(), lease, { status: 'cancelled', result: null })).toBe(true);
  });

  it('of a job that does not exist changes nothing', async () => {
    expect(await requestCancel(db(), newId())).toBe(false);
  });
});

describe('a retry', () => {
  it('makes a new run of a job that ended short of success, and only of such a one', async () => {
    const id = await submit();
    expect(await requeueJob(db(), id)).toBe(false);
    await finishJob(db(), await claim(id), { status: 'failed', error: { code: 'x', message: 'x' } });
    expect(await requeueJob(db(), id)).toBe(true);
    expect(await findJob(db(), id)).toMatchObject({
      status: 'queued',
      run: 1,
      attempts: 0,
      error: null,
      finishedAt: null,
      enqueuedAt: null,
    });
    await finishJob(db(), await claim(id), { status: 'succeeded' });
    expect(await requeueJob(db(), id)).toBe(false);
  });
});

describe('the events of a job', () => {
  it('tell its whole life in order', async () => {
    const id = await submit();
    const lease = await claim(id);
    await saveProgress(db(), lease, { phase: 'creating', done: 5, total: 10 });
    await appendLog(db(), id, 'half way');
    await finishJob(db(), lease, { status: 'succeeded', result: { n: 10 } });
    await appendLog(db(), id, 'too late');
    const events = await readJobEvents(db(), id, 0);
    expect(events.map(({ event, data }) => [event, data])).toEqual([
      ['status', { status: 'queued', attempts: 0 }],
      ['status', { status: 'running', attempts: 1, worker: 'w1' }],
      ['progress', { phase: 'creating', done: 5, total: 10, percent: 50 }],
      ['log', { message: 'half way' }],
      ['result', { status: 'succeeded', result: { n: 10 }, error: null }],
    ]);
    const [, second] = events;
    expect(await readJobEvents(db(), id, second?.id ?? 0)).toEqual(events.slice(2));
  });

  it('have the same progress once, however often it is told', async () => {
    const id = await submit();
    const lease = await claim(id);
    const waiting = { phase: 'waiting for a slot', done: 0, total: 10 };
    for (const told of [waiting, waiting, { ...waiting, done: 1 }, waiting]) {
      expect(await saveProgress(db(), lease, told)).toBe(true);
    }
    const told = (await readJobEvents(db(), id, 0)).filter(({ event }) => event === 'progress');
    expect(told.map(({ data }) => data)).toMatchObject([{ done: 0 }, { done: 1 }, { done: 0 }]);
    await claim(id);
    expect(await saveProgress(db(), lease, waiting)).toBe(false);
  });

  it('become visible in ascending order, so that a reader who resumes misses none', async () => {
    const id = await submit();
    const seen: number[] = [];
    const writers = Array.from({ length: 12 }, (_, writer) =>
      Array.from({ length: 10 }, (_, line) => () => appendLog(db(), id, `${writer}:${line}`)).reduce(
        (before, write) => before.then(write),
        Promise.resolve(),
      ),
    );
    let writing = true;
    const written = Promise.all(writers).then(() => {
      writing = false;
    });
    for (let last = false; !last; ) {
      last = !writing;
      const events = await readJobEvents(db(), id, seen.at(-1) ?? 0);
      seen.push(...events.map(event => event.id));
    }
    await written;
    const all = await readJobEvents(db(), id, 0);
    expect(all).toHaveLength(121);
    expect(seen).toEqual(all.map(event => event.id));
  });
});

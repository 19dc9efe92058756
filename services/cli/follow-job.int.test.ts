import type { ServerResponse } from 'node:http';
import type { JobProgress } from '../../shared/contracts/job.ts';
import { createClient } from './client.ts';
import { CliFailure } from './failure.ts';
import { followJob } from './follow-job.ts';
import { answer, answerProblem, jobId, jobOf, startTinyApi } from './testing/tiny-api.ts';

const jobPath = `GET /api/jobs/${jobId}`;
const eventsPath = `${jobPath}/events`;
const signal = new AbortController().signal;
let api: Awaited<ReturnType<typeof startTinyApi>>;

afterEach(() => api.stop());

function event(id: number, name: string, data: object): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
const progress = (id: number, done: number) =>
  event(id, 'progress', { phase: 'creating', done, total: 10, percent: done * 10 });

function openStream(response: ServerResponse): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  return response;
}

async function follow(options: Partial<Parameters<typeof followJob>[2]> = {}) {
  const seen: number[] = [];
  const onProgress = ({ done }: JobProgress) => void seen.push(done);
  const client = createClient({ url: api.url, apiKey: 'key-of-the-test' });
  const job = await followJob(client, jobId, { signal, onProgress, retryMs: 5, ...options });
  return { job, seen };
}

describe('following a job', () => {
  it('passes progress on and gives the ended job', async () => {
    api = await startTinyApi({
      [eventsPath]: (_, response) =>
        openStream(response).end(
          progress(1, 2) + progress(2, 10) + event(3, 'result', { status: 'succeeded' }),
        ),
      [jobPath]: (_, response) => answer(response, jobOf('succeeded')),
    });
    const { job, seen } = await follow();
    expect(job.status).toBe('succeeded');
    expect(seen).toEqual([2, 10]);
    expect(api.requests[0]?.headers['x-api-key']).toBe('key-of-the-test');
  });

  it('takes a lost stream up again after the last event it has', async () => {
    let streams = 0;
    api = await startTinyApi({
      [eventsPath]: (_, response) => {
        streams++;
        if (streams === 1) openStream(response).write(progress(41, 4), () => response.destroy());
        else openStream(response).end(progress(42, 9) + event(43, 'result', { status: 'succeeded' }));
      },
      [jobPath]: (_, response) =>
        answer(response, streams < 2 ? jobOf('running', { progress: null }) : jobOf('succeeded')),
    });
    const { job, seen } = await follow();
    expect(job.status).toBe('succeeded');
    expect(seen).toEqual([4, 9]);
    expect(api.seen(eventsPath).map(request => request.headers['last-event-id'])).toEqual([undefined, '41']);
  });

  it('polls when streams break again and again', async () => {
    let looks = 0;
    api = await startTinyApi({
      [eventsPath]: request => request.socket.destroy(),
      [jobPath]: (_, response) => answer(response, jobOf(++looks < 6 ? 'running' : 'succeeded')),
    });
    const { job, seen } = await follow();
    expect(job.status).toBe('succeeded');
    expect(api.seen(eventsPath)).toHaveLength(3);
    expect(seen).toEqual([5, 5, 5, 5, 5]);
  });

  it('goes on after the end of an earlier run that was retried', async () => {
    let looks = 0;
    api = await startTinyApi({
      [eventsPath]: (_, response) => openStream(response).end(event(9, 'result', { status: 'failed' })),
      [jobPath]: (_, response) => answer(response, jobOf(++looks < 3 ? 'running' : 'succeeded')),
    });
    expect((await follow()).job.status).toBe('succeeded');
  });

  it('ends at once when there is no such job', async () => {
    api = await startTinyApi({});
    await expect(follow()).rejects.toThrow('There is nothing here');
  });

  it.each([
    [404, 'failed'],
    [401, 'unauthorized'],
  ])('ends at once at what answers HTTP %i and is no Muster', async (status, kind) => {
    api = await startTinyApi({
      [eventsPath]: (_, response) => response.writeHead(status).end('<html>'),
      [jobPath]: (_, response) => response.writeHead(status).end('<html>'),
    });
    await expect(follow()).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(`answered with HTTP ${status}`),
    });
    expect(api.requests).toHaveLength(1);
  });

  it('loses patience with an API that stays away, and says that the work goes on', async () => {
    api = await startTinyApi({
      [eventsPath]: request => request.socket.destroy(),
      [jobPath]: (_, response) => answerProblem(response, 503, { code: 'draining', title: 'Away' }),
    });
    const failure = await follow({ patienceMs: 1 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'unreachable', hint: expect.stringContaining('The work goes on') });
    expect(failure).toBeInstanceOf(CliFailure);
  });

  it('stops looking as soon as it is told to', async () => {
    const stop = new AbortController();
    api = await startTinyApi({
      [eventsPath]: (_, response) => {
        openStream(response).write(progress(1, 1));
        stop.abort(new Error('enough'));
      },
    });
    await expect(follow({ signal: stop.signal })).rejects.toThrow('enough');
  });
});

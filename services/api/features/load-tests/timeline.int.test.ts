import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { loadTests } from '../../../../drizzle/platform/schema/load-tests.ts';
import { timelineStepSchema } from '../../../../shared/contracts/load-metrics.ts';
import { pageOf } from '../../../../shared/http/pagination.ts';
import { appendLoadEvents } from '../../../../shared/store/load-tests/load-events.ts';
import { saveTimeline } from '../../../../shared/store/load-tests/load-results.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { noTrend, timelinePoint } from '../../../../test/fixtures/load-results.ts';
import { insertTest } from '../../../../test/fixtures/load-test.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';

const databases = testDatabases();
const api = testApi(databases, { QUEUE_PREFIX: postgresStore(databases).prefix });

async function timelineOf(points: Parameters<typeof saveTimeline>[2]): Promise<string> {
  const { id } = await insertTest(databases);
  await saveTimeline(databases.platform.db, id, points);
  return `/api/load-tests/${id}/timeseries`;
}
const read = async (path: string) => bodyOf(await api.call('GET', path), pageOf(timelineStepSchema));

describe('a timeline in steps', () => {
  it('has sums, and the highest percentiles of its seconds, which it does not average', async () => {
    const slow = { ...noTrend, avg: 90, min: 2, med: 80, max: 400, 'p(90)': 200, 'p(95)': 250, 'p(99)': 390 };
    const path = await timelineOf([
      timelinePoint(8),
      timelinePoint(9, {
        requests: 300,
        vus: 9,
        shards: 1,
        errors: { timeout: 2, http_5xx: 1 },
        http_req_duration: slow,
      }),
      timelinePoint(11, { requests: 0, failed: 0, errors: {}, http_req_duration: null }),
      timelinePoint(12, { requests: 0, failed: 0, errors: {}, http_req_duration: null }),
    ]);
    const { items, next_cursor } = await read(`${path}?step=4`);
    expect(next_cursor).toBeNull();
    expect(items).toEqual([
      {
        second: 8,
        seconds: 3,
        requests: 400,
        failed: 2,
        errors: { timeout: 2, http_5xx: 2 },
        dropped_iterations: 0,
        vus: 9,
        shards: 1,
        data_received: 300_000,
        data_sent: 30_000,
        http_req_duration: { ...slow, avg: (25 * 100 + 90 * 300) / 400, min: 1 },
        http_req_response_time: timelinePoint(8).http_req_response_time,
      },
      expect.objectContaining({ second: 12, seconds: 1, errors: {}, http_req_duration: null }),
    ]);
  });

  it('is the timeline itself in steps of a second, but for the endpoints', async () => {
    const points = [0, 1, 2].map(second => timelinePoint(second));
    const { items } = await read(`${await timelineOf(points)}?step=1`);
    expect(items).toEqual(points.map(({ endpoints: _, ...point }) => ({ ...point, seconds: 1 })));
  });

  it('comes in pages that are whole, past gaps, and is empty before the first second', async () => {
    const path = await timelineOf([0, 1, 2, 40, 41, 90].map(second => timelinePoint(second)));
    const first = await read(`${path}?step=10&limit=2`);
    const second = await read(`${path}?step=10&limit=2&cursor=${first.next_cursor}`);
    const steps = [...first.items, ...second.items].map(item => [item.second, item.seconds]);
    expect(steps).toEqual([
      [0, 3],
      [40, 2],
      [90, 1],
    ]);
    expect(second.next_cursor).toBeNull();
    expect((await read(`${await timelineOf([])}?step=10`)).items).toEqual([]);
  });

  it('has steps of a second to a day', async () => {
    const path = await timelineOf([timelinePoint(86_399)]);
    expect((await read(`${path}?step=86400`)).items).toMatchObject([{ second: 0, seconds: 1 }]);
    for (const step of ['0', '86401', '1.5', '']) {
      const problem = await problemOf(await api.call('GET', `${path}?step=${step}`));
      expect(problem.errors).toEqual([expect.objectContaining({ pointer: '?step' })]);
    }
  });
});

describe('the stream of a load test whose timeline was read', () => {
  const seenIn = async (path: string, lastId = '') => {
    const response = await api.call('GET', path, { headers: { 'Last-Event-ID': lastId } });
    return [...(await response.text()).matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)].map(
      ([, id = '', event, data = '']) => ({ id, event, ...tick.parse(JSON.parse(data)) }),
    );
  };
  const tick = z.object({ point: z.object({ second: z.number() }).optional() });

  it('goes on after that second, with every event; a reconnection goes on where it was', async () => {
    const { id } = await insertTest(databases);
    const { db } = databases.platform;
    await appendLoadEvents(db, id, [{ type: 'status', message: 'running' }]);
    await saveTimeline(
      db,
      id,
      [0, 1, 2, 3].map(second => timelinePoint(second)),
    );
    await db
      .update(loadTests)
      .set({ status: 'succeeded', finishedAt: new Date() })
      .where(eq(loadTests.id, id));
    const path = `/api/load-tests/${id}/events?after_second=1`;
    const seen = await seenIn(path);
    expect(seen.map(({ event, point }) => point?.second ?? event)).toEqual(['status', 2, 3]);
    expect((await seenIn(path, seen[1]?.id)).map(({ point }) => point?.second)).toEqual([3]);
    const all = await seenIn(`/api/load-tests/${id}/events?after_second=-1`);
    expect(all.map(({ event, point }) => point?.second ?? event)).toEqual(['status', 0, 1, 2, 3]);
  });
});

import { eq } from 'drizzle-orm';
import { loadTests } from '../../drizzle/platform/schema/load-tests.ts';
import { appendLoadEvents } from '../../shared/store/load-tests/load-events.ts';
import { saveTimeline } from '../../shared/store/load-tests/load-results.ts';
import { testApi } from '../fixtures/api.ts';
import { describeInBrowser, testBrowser } from '../fixtures/browser.ts';
import { findingsOf, logIn } from '../fixtures/dashboard.ts';
import { testDatabases } from '../fixtures/database.ts';
import { endedTest, timelinePoint } from '../fixtures/load-results.ts';
import { insertTest } from '../fixtures/load-test.ts';
import { postgresStore } from '../fixtures/queue.ts';

const databases = testDatabases();
const api = testApi(databases, { QUEUE_PREFIX: postgresStore(databases).prefix });
const db = () => databases.platform.db;

/** A run that began an hour ago and has been measured every second since; no worker is there. */
async function hourLongRun(): Promise<string> {
  const { id } = await insertTest(databases, { session_name: 'soak', duration_seconds: 7200 });
  await appendLoadEvents(db(), id, [{ type: 'status', message: 'running' }]);
  const points = Array.from({ length: 3600 }, (_, second) => timelinePoint(second));
  for (const from of [0, 1200, 2400]) await saveTimeline(db(), id, points.slice(from, from + 1200));
  const { metrics, endpoints } = endedTest();
  const startAt = new Date(Date.now() - 3_600_000);
  await db()
    .update(loadTests)
    .set({ status: 'running', metrics, endpoints, startAt })
    .where(eq(loadTests.id, id));
  return id;
}

describeInBrowser('a degraded run in the dashboard', () => {
  const browser = testBrowser();

  it('says what cost it load', async () => {
    const { id } = await insertTest(databases, { session_name: 'short' });
    const { metrics, endpoints, startAt } = endedTest();
    const ended = { status: 'succeeded', degraded: true, metrics, endpoints, startAt } as const;
    await db()
      .update(loadTests)
      .set({ ...ended, finishedAt: new Date() })
      .where(eq(loadTests.id, id));
    const lost = { type: 'shard_lost', shard: 0, message: 'w1 went silent', atMs: 2000 } as const;
    await appendLoadEvents(db(), id, [lost]);
    const page = await logIn(browser, api);
    await page.goto(`${api.url}/dashboard#/load-tests/${id}`);
    await page.getByRole('heading', { name: 'short succeeded degraded' }).waitFor();
    await page.getByText('at 2s, shard 0: w1 went silent').waitFor();
    expect(await findingsOf(page)).toEqual([]);
  }, 60_000);
});

describeInBrowser('the history of a long run in the dashboard', () => {
  const browser = testBrowser();

  it('is read in few points, from which its seconds go on', async () => {
    const id = await hourLongRun();
    const page = await logIn(browser, api);
    const read: { step: string | null; points: number }[] = [];
    page.on('response', async response => {
      const url = new URL(response.url());
      if (!url.pathname.endsWith('/timeseries')) return;
      const { items } = await response.json();
      read.push({ step: url.searchParams.get('step'), points: items.length });
    });
    const stream = page.waitForRequest(/\/events\?/);
    await page.goto(`${api.url}/dashboard#/load-tests/${id}`);
    const after = Number(new URL((await stream).url()).searchParams.get('after_second'));
    expect(after).toBeGreaterThanOrEqual(3600 - 2 * 7);
    expect(after).toBeLessThan(3600);
    await page.getByRole('listitem').getByText('running').waitFor();
    expect(read).toEqual([{ step: expect.stringMatching(/^[67]$/), points: expect.any(Number) }]);
    expect(read[0]?.points).toBeLessThanOrEqual(601);

    const chart = page.locator('figure', { hasText: 'Requests a second' });
    const over = chart.locator('.u-over');
    const requests = chart.locator('.u-series', { hasText: 'requests' });
    await over.hover({ position: { x: 20, y: 20 } });
    await requests.getByText('100', { exact: true }).waitFor();
    await saveTimeline(db(), id, [timelinePoint(3600, { requests: 500 }), timelinePoint(3601)]);
    await appendLoadEvents(db(), id, [{ type: 'status', message: 'it goes on' }]); // wakes the stream
    await page.getByText('it goes on').waitFor();
    await over.hover({ position: { x: ((await over.boundingBox())?.width ?? 0) - 1, y: 20 } });
    await requests.getByText('500', { exact: true }).waitFor();
  });
});

import { eq } from 'drizzle-orm';
import { loadTests } from '../../drizzle/platform/schema/load-tests.ts';
import { newApiKey } from '../../shared/http/api-keys.ts';
import { saveTimeline } from '../../shared/store/load-tests/load-results.ts';
import { bodyOf, testApi } from '../fixtures/api.ts';
import { describeInBrowser, telephone, testBrowser } from '../fixtures/browser.ts';
import { findingsOf, fits, logIn } from '../fixtures/dashboard.ts';
import { testDatabases } from '../fixtures/database.ts';
import { endedTest, timelinePoint } from '../fixtures/load-results.ts';
import { insertTest } from '../fixtures/load-test.ts';
import { postgresStore } from '../fixtures/queue.ts';

const databases = testDatabases();
const api = testApi(databases, {
  QUEUE_PREFIX: postgresStore(databases).prefix,
  LOGIN_ATTEMPTS_PER_MINUTE: '100',
});

/** A run of a minute that has ended; its p95 is so many milliseconds in every second, and in the whole. */
async function run(session_name: string, p95: number, target_url = 'http://127.0.0.1:1'): Promise<string> {
  const { platform } = databases;
  const { id } = await insertTest(databases, { session_name, duration_seconds: 60, target_url });
  const { metrics, endpoints } = endedTest();
  const startAt = new Date(Date.now() - 60_000);
  const trend = {
    avg: 5,
    min: 1,
    med: p95 / 2,
    max: 900,
    'p(90)': p95 * 0.9,
    'p(95)': p95,
    'p(99)': p95 * 2,
  };
  const points = Array.from({ length: 60 }, (_, second) =>
    timelinePoint(second, {
      http_req_duration: { ...trend, 'p(95)': p95 + (second % 3) },
      endpoints: { home: { requests: 100, failed: 1, 'p(95)': p95 + (second % 3) } },
    }),
  );
  await saveTimeline(platform.db, id, points);
  const [home] = Object.values(endpoints);
  const ended = {
    status: 'succeeded',
    startAt,
    finishedAt: new Date(),
    ...(metrics && { metrics: { ...metrics, http_req_duration: trend } }),
    ...(home && { endpoints: { home: { ...home, http_req_duration: trend } } }),
  } as const;
  await platform.db.update(loadTests).set(ended).where(eq(loadTests.id, id));
  return id;
}

describeInBrowser('the comparison of two runs in the dashboard', () => {
  const browser = testBrowser();

  it('is led to from a run that has ended, and has both side by side, as a viewer too', async () => {
    const base = await run('checkout', 50);
    const head = await run('checkout', 80);
    await run('unlike', 50, 'http://127.0.0.1:2');
    const made = await api.call('POST', '/api/api-keys', { json: { name: 'looker', role: 'viewer' } });
    const page = await logIn(browser, api, { key: (await bodyOf(made, newApiKey)).api_key });
    await page.goto(`${api.url}/dashboard#/load-tests/${base}`);
    const others = page.getByRole('link', { name: /^Compare with/ });
    await others.first().waitFor();
    expect(await others.count()).toBe(1);
    await others.click();
    await page.waitForURL(new RegExp(`#/compare/${base}/${head}$`)); // the older one is the base
    await page.getByRole('heading', { name: 'Comparison worse' }).waitFor();
    const texts = await page.getByRole('region', { name: 'Endpoint' }).getByRole('row').allInnerTexts();
    expect(texts.map(text => text.split(/\s*\t\s*/))).toEqual([
      ['Endpoint', 'Figure', 'Base', 'Head', 'Difference', '95 % interval', 'Verdict'],
      ...['All', 'home'].flatMap(scope => [
        [scope, 'p50', '25 ms', '40 ms', '+60 %', '–', '–'],
        ['p95', '50 ms', '80 ms', '+60 %', expect.stringMatching(/^\+\d.* to \+\d.* %$/), 'worse'],
        ['p99', '100 ms', '160 ms', '+60 %', '–', '–'],
        ['Error rate', '1 %', '1 %', '0 points', '0 points to 0 points', 'no difference'],
        ['Throughput', '100/s', '100/s', '0 %', '0 % to 0 %', 'no difference'],
      ]),
    ]);
    expect(await page.getByRole('button').count()).toBe(0);
    expect(await findingsOf(page)).toEqual([]);

    const chart = page.locator('figure', { hasText: 'p95, ms' });
    await chart.locator('.u-over').hover({ position: { x: 1, y: 20 } });
    await chart.locator('.u-series', { hasText: 'base' }).getByText('50', { exact: true }).waitFor();
    await chart.locator('.u-series', { hasText: 'head' }).getByText('80', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Swap' }).click();
    await page.getByRole('heading', { name: 'Comparison better' }).waitFor();
  });

  it('fits a telephone, and says what cannot be compared', async () => {
    const [base, head] = [await run('soak', 50), await run('soak', 50)];
    const page = await logIn(browser, api, { ...telephone, colorScheme: 'dark' });
    await page.goto(`${api.url}/dashboard#/compare/${base}/${head}`);
    await page.getByRole('heading', { name: 'Comparison no difference' }).waitFor();
    expect(await fits(page)).toBe(true);
    expect(await findingsOf(page)).toEqual([]);
    const { id } = await insertTest(databases, { session_name: 'soak' });
    await page.goto(`${api.url}/dashboard#/compare/${base}/${id}`);
    await page.getByRole('status').getByText('has not ended').waitFor();
  });
});

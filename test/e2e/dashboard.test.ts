import { newApiKey } from '../../shared/http/api-keys.ts';
import { loadTestDetail } from '../../shared/http/load-tests.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { findLoadTest } from '../../shared/store/load-tests/load-tests.ts';
import { bodyOf, testApi } from '../fixtures/api.ts';
import { describeInBrowser, telephone, testBrowser } from '../fixtures/browser.ts';
import { findingsOf, fits, logIn } from '../fixtures/dashboard.ts';
import { testDatabases } from '../fixtures/database.ts';
import { type LoggingTarget, startLoggingTarget, untilTest, untilTestEnded } from '../fixtures/load-test.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();
const store = postgresStore(databases);
const api = testApi(databases, { QUEUE_PREFIX: store.prefix, LOGIN_ATTEMPTS_PER_MINUTE: '100' });
let worker: RunningWorker;
let target: LoggingTarget;
beforeAll(async () => {
  worker = await runWorker(databases, store);
  target = await startLoggingTarget();
});
afterAll(async () => {
  await worker.stop();
  await target.stop();
});

const nobodys = '0199d1a0-0000-7000-8000-000000000001';

/** A run that somebody has to stop, under way. */
async function begin(name: string): Promise<string> {
  const json = {
    session_name: name,
    target_url: target.origin,
    concurrent_users: 3,
    duration: '120s',
    request_interval_min: 0.02,
    request_interval_max: 0.05,
    endpoints: [
      { name: 'home', url: '/' },
      { name: 'all', url: '/all' }, // jsonb has the shorter name first
    ],
  };
  const { id } = await bodyOf(await api.call('POST', '/api/load-tests', { json }), loadTestDetail);
  await untilTest(databases, id, 'running', ({ metrics }) => (metrics?.http_reqs.count ?? 0) > 0);
  return id;
}

it('is where the address of the API leads, and is shown to nobody who is not logged in', async () => {
  const home = await api.call('GET', '/', { key: null });
  expect([home.status, home.headers.get('location')]).toEqual([303, '/dashboard']);
  expect((await api.call('GET', '/dashboard', { key: null })).status).toBe(401);
});

describeInBrowser('the dashboard', () => {
  const browser = testBrowser();

  const control = async (id: string) => (await findLoadTest(databases.platform.db, id))?.control;

  it('shows a run as it goes on, and changes, pauses and stops it', async () => {
    const id = await begin('checkout');
    const page = await logIn(browser, api);
    await page.getByRole('row', { name: /checkout running 3 / }).waitFor();
    await page.getByRole('row', { name: /load-tests.run running/ }).waitFor();
    expect(await findingsOf(page)).toEqual([]);
    await page.getByRole('link', { name: 'checkout' }).click();
    await page.getByRole('row', { name: /home [1-9]/ }).waitFor();
    expect(await page.locator('figure canvas').count()).toBe(3);
    await page.getByText('Request duration, ms').waitFor(); // that of http_req_duration, not the response time
    await page.getByText('constant-vus for 2:00').waitFor();
    await page.getByRole('row', { name: /all [1-9]/ }).waitFor();
    const endpoints = page.getByRole('region', { name: 'Endpoint' }).getByRole('rowheader');
    expect(await endpoints.allTextContents()).toEqual(['home', 'all']);
    expect(await findingsOf(page)).toEqual([]);

    await page.getByRole('spinbutton', { name: 'Users' }).fill('5');
    await page.getByRole('button', { name: 'Set' }).click();
    await page.getByText('concurrent_users as planned → 5').waitFor();
    await page.getByRole('spinbutton', { name: 'Users' }).fill('');
    await page.getByRole('button', { name: 'Set' }).click();
    await page.getByText('concurrent_users 5 → as planned').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Go on' }).click();
    await waitFor('the changes', async () => {
      const { concurrent_users, paused } = (await control(id)) ?? {};
      return concurrent_users === null && paused === false;
    });
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Somebody stopped the test').waitFor();
    const { metrics } = await untilTestEnded(databases, id);
    await page
      .locator('.tile', { hasText: 'Requests' })
      .getByText(metrics?.http_reqs.count.toLocaleString('en') ?? '')
      .waitFor();
  }, 60_000);

  it('shows no charts without anything to draw, and they fill their frames when there is', async () => {
    const id = await begin('charted');
    const page = await logIn(browser, api);
    await page.goto(`${api.url}/dashboard#/load-tests/${nobodys}`);
    await page.getByText(`There is no load test ${nobodys}`).waitFor();
    expect(await page.locator('figure:visible').count()).toBe(0);
    await page.goto(`${api.url}/dashboard#/load-tests/${id}`);
    const frame = page.locator('figure', { hasText: 'Requests a second' });
    await frame.waitFor();
    await waitFor('the chart', async () => {
      const [outer, inner] = [await frame.boundingBox(), await frame.locator('canvas').boundingBox()];
      return (inner?.width ?? 0) > 0.8 * (outer?.width ?? 0);
    });
    await api.call('POST', '/api/load-tests/emergency-stop');
    await untilTestEnded(databases, id);
  }, 60_000);

  it('stops everything at once, when asked twice', async () => {
    const id = await begin('soak');
    const page = await logIn(browser, api);
    page.once('dialog', dialog => dialog.dismiss());
    await page.getByRole('button', { name: 'Emergency stop' }).click();
    expect((await control(id))?.stop).toBeNull();
    page.once('dialog', dialog => dialog.accept());
    await page.getByRole('button', { name: 'Emergency stop' }).click();
    await untilTestEnded(databases, id);
    await page.getByRole('row', { name: /soak aborted/ }).waitFor();
  }, 60_000);

  it('has no buttons for a viewer, fits a telephone, and says what is refused', async () => {
    const id = await begin('smoke');
    const made = await api.call('POST', '/api/api-keys', { json: { name: 'looker', role: 'viewer' } });
    const viewer = await logIn(browser, api, { key: (await bodyOf(made, newApiKey)).api_key, ...telephone });
    await viewer.goto(`${api.url}/dashboard#/load-tests/${id}`);
    await viewer.getByRole('row', { name: /home [1-9]/ }).waitFor();
    expect(await viewer.getByRole('button').count()).toBe(0);
    expect(await fits(viewer)).toBe(true);

    const page = await logIn(browser, api);
    await page.goto(`${api.url}/dashboard#/load-tests/${id}`);
    await page.getByRole('spinbutton', { name: 'Users' }).fill('99999999');
    await page.getByRole('button', { name: 'Set' }).click();
    await page.getByRole('status').getByText('/concurrent_users').waitFor();
    await page.context().clearCookies();
    await page.getByLabel('API key').waitFor(); // the login is over: it is led to the next one
    await api.call('POST', '/api/load-tests/emergency-stop');
    await untilTestEnded(databases, id);
  }, 60_000);
});

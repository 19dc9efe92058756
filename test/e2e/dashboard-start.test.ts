import { eq } from 'drizzle-orm';
import type { Page } from 'playwright-core';
import { loadTests } from '../../drizzle/platform/schema/load-tests.ts';
import { newApiKey } from '../../shared/http/api-keys.ts';
import { loadTest, loadTestDetail } from '../../shared/http/load-tests.ts';
import { pageOf } from '../../shared/http/pagination.ts';
import { bodyOf, testApi } from '../fixtures/api.ts';
import { describeInBrowser, telephone, testBrowser } from '../fixtures/browser.ts';
import { findingsOf, fits, logIn } from '../fixtures/dashboard.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';

/** No worker is there: what is started waits. */
const databases = testDatabases();
const api = testApi(databases, {
  QUEUE_PREFIX: postgresStore(databases).prefix,
  LOGIN_ATTEMPTS_PER_MINUTE: '100',
  MAX_LOAD_USERS: '200',
});
const newest = async () =>
  (await bodyOf(await api.call('GET', '/api/load-tests?limit=1'), pageOf(loadTest))).items[0];

describeInBrowser('the form for a load test', () => {
  const browser = testBrowser();

  async function open(options: Parameters<typeof logIn>[2] = {}, hash = 'new'): Promise<Page> {
    const page = await logIn(browser, api, options);
    await page.goto(`${api.url}/dashboard#/load-tests/${hash}`);
    return page;
  }
  const invalidOf = (page: Page) =>
    page
      .locator('[aria-invalid="true"]')
      .evaluateAll(fields =>
        fields.map(field => field.closest('.field')?.querySelector('label')?.textContent),
      );
  const started = (page: Page) => page.waitForURL(/#\/load-tests\/[\da-f-]{36}$/);

  it('starts what is written down, and says what it costs at most', async () => {
    const page = await open();
    await page.getByText('At most 10 VUs and 18,010 requests in 30:00').waitFor();
    await page.getByLabel('Name').first().fill('checkout');
    await page.getByLabel('Target').fill('http://127.0.0.1:9/');
    await page.getByLabel('VUs').fill('50');
    await page.getByLabel('Duration').fill('1m30s');
    await page.getByLabel('Pause at least').fill('0.5');
    await page.getByText('At most 50 VUs and 9,050 requests in 1:30').waitFor();
    await page.getByRole('button', { name: 'Add endpoint' }).click();
    const endpoint = page.getByRole('group', { name: 'endpoint 1' });
    await endpoint.getByLabel('Name').fill('home');
    await endpoint.getByLabel('Path').fill('/?a=1');
    await endpoint.getByText('Headers, body').click();
    await endpoint.getByLabel('Headers', { exact: true }).fill('X-Shop: a:b\nAccept: text/html');
    await page.getByRole('button', { name: 'Add endpoint' }).click();
    await page.getByRole('group', { name: 'endpoint 2' }).getByLabel('Method').selectOption('POST');
    await page.getByRole('button', { name: 'Remove endpoint 2' }).click();
    expect(await endpoint.getByLabel('Method').inputValue()).toBe('GET');
    await page.getByRole('button', { name: 'Add threshold' }).click();
    await page.getByLabel('abort on fail').check();
    await page.getByRole('button', { name: 'Start' }).click();
    await started(page);
    await page.getByRole('heading', { name: 'checkout queued' }).waitFor();
    expect((await newest())?.config).toMatchObject({
      session_name: 'checkout',
      concurrent_users: 50,
      duration_seconds: 90,
      request_interval_min: 0.5,
      endpoints: [{ name: 'home', url: '/?a=1', headers: { 'X-Shop': 'a:b', Accept: 'text/html' } }],
      thresholds: [{ metric: 'http_req_duration', expression: 'p(95)<500', abort_on_fail: true }],
    });
  });

  it('shows what is refused at its fields, and the rest above them', async () => {
    const page = await open();
    await page.getByLabel('Executor').selectOption('ramping-arrival-rate');
    await page.getByRole('button', { name: 'Add stage' }).click();
    await page.getByRole('group', { name: 'stage 1' }).getByLabel('Duration').fill('soon');
    await page.getByText('is shown once the load is filled in').waitFor();
    await page.getByLabel('VUs at most').fill('201');
    await page.getByRole('button', { name: 'Add endpoint' }).click();
    await page.getByRole('button', { name: 'Add threshold' }).click();
    await page.getByLabel('Is to be').fill('p(95)');
    await page.getByLabel('Pool').selectOption('all');
    await page.getByRole('button', { name: 'Start' }).click();
    await page
      .getByRole('status')
      .getByText(/^Not started: \d faults, see below/)
      .waitFor();
    expect(await invalidOf(page)).toEqual(['Target', 'Duration', 'Name', 'Is to be']);
    expect(await page.getByLabel('Target').evaluate(field => field.matches(':focus'))).toBe(true);
    expect(await findingsOf(page)).toEqual([]);

    await page.getByLabel('Target').fill('http://127.0.0.1:9/');
    await page.getByRole('group', { name: 'stage 1' }).getByLabel('Duration').fill('30s');
    await page.getByRole('group', { name: 'endpoint 1' }).getByLabel('Name').fill('home');
    await page.getByLabel('Is to be').fill('p(95)<500');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('must be at most 200 users').waitFor();
    expect(await invalidOf(page)).toEqual(['VUs at most']);
    await page.getByLabel('VUs at most').fill('200');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('200 are missing').waitFor();
    expect(await invalidOf(page)).toEqual(['Pool']);
  });

  it('is JSON for those who want it, and says what is wrong in it', async () => {
    const page = await open();
    await page.getByLabel('VUs').fill('7');
    await page.getByRole('button', { name: 'As JSON' }).click();
    const json = page.getByLabel('Body of POST /api/load-tests');
    expect(JSON.parse(await json.inputValue())).toMatchObject({ concurrent_users: 7 });
    await json.fill('{');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('status').getByText('That is no JSON').waitFor();
    await json.fill('{ "concurrent_users": 0, "workres": 1 }');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('listitem').filter({ hasText: '/workres is not known here' }).waitFor();
    await json.fill('{ "concurrent_users": 8, "circuit_breaker": {} }');
    await page.getByRole('button', { name: 'As a form' }).click();
    expect(await page.getByLabel('VUs').inputValue()).toBe('8');
    await page.getByRole('button', { name: 'As JSON' }).click();
    expect(JSON.parse(await json.inputValue())).toMatchObject({ circuit_breaker: {} });
    expect(await findingsOf(page)).toEqual([]);
  });

  it('begins with the definition of a run that has ended, and opens where a fault is', async () => {
    const json = {
      session_name: 'checkout',
      target_url: 'http://127.0.0.1:9/',
      executor: 'ramping-vus',
      stages: [
        { duration: '1m', target: 21 },
        { duration: '30s', target: 0 },
      ],
      request_interval_min: 0.5,
      request_interval_max: 0.5,
      endpoints: [
        { name: 'buy', url: '/buy', method: 'POST', body: { n: 1 }, headers: { Authorization: 'Bearer x' } },
      ],
      thresholds: { 'http_req_duration{name:buy}': ['p(95)<500', 'med<90'] },
      circuit_breaker: { consecutive_errors: 3 },
    };
    const before = await bodyOf(await api.call('POST', '/api/load-tests', { json }), loadTestDetail);
    const ended = { status: 'succeeded', finishedAt: new Date() } as const;
    await databases.platform.db.update(loadTests).set(ended).where(eq(loadTests.id, before.id));

    const page = await open({}, before.id);
    await page.getByRole('link', { name: 'Run again' }).click();
    await page.getByText('At most 21 VUs and 1,971 requests in 1:30').waitFor();
    const headers = page.getByLabel('Headers', { exact: true });
    expect(await headers.isVisible()).toBe(false);
    expect(await headers.inputValue()).toMatch(/^Authorization: Bearer x$/m);
    await page.getByText('Headers, body').click();
    await headers.fill('Authorization: [hidden]');
    await page.getByText('Headers, body').click();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('give the value itself').waitFor();
    expect(await invalidOf(page)).toEqual(['Headers']);
    await headers.fill('Authorization: Bearer y\ncontent-type: application/json');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('heading', { name: 'checkout queued' }).waitFor();
    const after = await newest();
    expect(after?.id).not.toBe(before.id);
    const [endpoint] = before.config.endpoints;
    const typed = { 'content-type': 'application/json', Authorization: 'Bearer y' };
    expect(after?.config).toEqual({ ...before.config, endpoints: [{ ...endpoint, headers: typed }] });
  });

  it('fits a telephone, and is nothing for a viewer', async () => {
    const page = await open({ ...telephone, colorScheme: 'dark' });
    for (const what of ['endpoint', 'threshold'])
      await page.getByRole('button', { name: `Add ${what}` }).click();
    await page.getByLabel('Executor').selectOption('ramping-vus');
    await page.getByRole('button', { name: 'Add stage' }).click();
    expect(await fits(page)).toBe(true);
    expect(await findingsOf(page)).toEqual([]);
    const made = await api.call('POST', '/api/api-keys', { json: { name: 'looker', role: 'viewer' } });
    const viewer = await open({ key: (await bodyOf(made, newApiKey)).api_key });
    await viewer.getByText('Load tests are started by operators').waitFor();
    expect(await viewer.getByRole('button').count()).toBe(0);
  });
});

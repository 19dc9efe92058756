import { newApiKey } from '../../../shared/http/api-keys.ts';
import { newId } from '../../../shared/kernel/ids.ts';
import { bodyOf, problemOf, testApi } from '../../../test/fixtures/api.ts';
import { describeInBrowser, plainHost, telephone, testBrowser } from '../../../test/fixtures/browser.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';

const databases = testDatabases();
const api = testApi(databases, { LOGIN_ATTEMPTS_PER_MINUTE: '100' });
const reportPath = `/api/load-tests/${newId()}/report`;

describeInBrowser('a person at a browser', () => {
  const browser = testBrowser();

  async function logIn(key: string) {
    const page = await browser.open();
    await page.goto(`${api.url}/login?next=/admin/queues`);
    await page.getByLabel('API key').fill(key);
    await page.keyboard.press('Enter');
    await page.getByText('bulk-users.create').first().waitFor();
    return page;
  }

  it('logs in where a link needs it, and is led to what the link is of', async () => {
    const page = await browser.open();
    await page.goto(api.url + reportPath);
    await page.getByLabel('API key').fill('wrong');
    await page.keyboard.press('Enter');
    await page.locator('input:focus[aria-describedby="complaint"]').waitFor();
    await page.keyboard.type(api.key);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    expect(page.url()).toBe(api.url + reportPath);
  });

  it('logs in and out without TLS, too, where a browser tells less of where a form was', async () => {
    const page = await browser.open();
    const origin = api.url.replace('127.0.0.1', plainHost);
    await page.goto(`${origin}/login?next=/logout`);
    await page.getByLabel('API key').fill(api.key);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('API key').waitFor();
    expect(page.url()).toBe(`${origin}/login`);
  });

  it('is told on a page what is wrong with a link, also of a message', async () => {
    const page = await browser.open(telephone);
    const answer = await page.goto(
      `${api.url}/api/deadline-notifications/unsubscribe?token=${'x'.repeat(99)}`,
    );
    expect(answer?.status()).toBe(404);
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    await page.getByText('このリンクは無効です / This link is not valid').waitFor();
    const main = await page.locator('body').evaluate(body => [body.scrollWidth, body.clientWidth]);
    expect(main[0]).toBe(main[1]);
  });

  it('finds the way out of Bull Board', async () => {
    const page = await logIn(api.key);
    await page.locator('header button').last().click();
    await page.getByText('Log out').click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('API key').waitFor();
    await page.goto(`${api.url}/admin/queues`);
    expect(page.url()).toContain('/login?next=');
  });

  it('sees no button in Bull Board that would be refused', async () => {
    const made = await api.call('POST', '/api/api-keys', { json: { name: 'v', role: 'viewer' } });
    const { api_key: viewer } = await bodyOf(made, newApiKey);
    for (const [key, buttons] of [
      [api.key, 1],
      [viewer, 0],
    ] as const) {
      const page = await logIn(key);
      await page.locator('section button').first().click();
      await page.getByText('Sort by').waitFor();
      expect(await page.getByText('Pause all').count()).toBe(buttons);
    }
  });
});

it('a script gets its problem as JSON, even when it takes a page', async () => {
  const headers = { Accept: 'text/html', 'Sec-Fetch-Dest': 'empty' };
  const response = await api.call('GET', reportPath, { key: null, headers });
  expect(response.status).toBe(401);
  expect((await problemOf(response)).code).toBe('unauthenticated');
});

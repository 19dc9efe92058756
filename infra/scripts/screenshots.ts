/**
 * `node infra/scripts/screenshots.ts [PART]...`: pictures of the pages of a running Muster, into docs/images. Takes the
 * API from `API`, else from the stack that `npm start` runs; needs a Chromium (`CHROMIUM`, else /usr/bin/chromium).
 *
 * Parts, all of them unless some are named: `queues` (needs a batch of users that was created), `load-tests` (runs two, of
 * 45 s each), `api`.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { loadConfig } from '../../shared/platform/config.ts';
import { readLocalApiKey, readStackFile } from '../../shared/platform/local-stack.ts';

const images = join(import.meta.dirname, '..', '..', 'docs', 'images');
const parts = { queues, 'load-tests': loadTests, api };

async function main(): Promise<void> {
  const config = loadConfig();
  const url = config.API ?? (await readStackFile(config.DATA_DIR))?.api_url ?? 'http://127.0.0.1:8080';
  const apiKey = config.MUSTER_API_KEY ?? (await readLocalApiKey(config.DATA_DIR)) ?? '';
  await mkdir(images, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  });
  await photograph(browser, url, apiKey).finally(() => browser.close());
}

async function photograph(browser: Browser, url: string, apiKey: string): Promise<void> {
  const asked = process.argv.slice(2);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on('console', message => message.type() === 'error' && console.warn(`console: ${message.text()}`));
  await page.goto(`${url}/admin/queues`);
  const isWanted = (part: string) => asked.length === 0 || asked.includes(part);
  if (isWanted('queues')) await shoot(page, 'login');
  await page.locator('input[type=password], input[name=key]').first().fill(apiKey);
  await page.locator('button[type=submit]').click();
  await page.getByText('bulk-users.create').first().waitFor();
  for (const [name, part] of Object.entries(parts)) {
    if (isWanted(name)) await part(page, url);
  }
}

async function queues(page: Page, url: string): Promise<void> {
  await shoot(page, 'queues');
  await page.goto(`${url}/admin/queues/queue/bulk-users.create?status=completed`);
  await page.getByText('Progress', { exact: true }).first().click();
  await shoot(page, 'completed-job');
}

/** The form, what it starts as it runs, and what the same once more is compared with. */
async function loadTests(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/dashboard#/load-tests/new`);
  await fillIn(page);
  await shoot(page, 'new-load-test', { fullPage: true });
  await page.getByRole('button', { name: 'Remove endpoint 1' }).click(); // the whole catalogue has more to show
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('row', { name: /kept/ }).first().waitFor();
  await page.getByText(/begun 3\d s ago/).waitFor({ timeout: 60_000 });
  await shoot(page, 'dashboard', { state: 'load' });
  const again = page.getByRole('link', { name: 'Run again' });
  await again.click({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await again.waitFor({ timeout: 90_000 });
  await page.getByRole('link', { name: 'Compare with' }).first().click();
  await page.getByRole('heading', { name: 'Figures' }).waitFor();
  await shoot(page, 'comparison');
}

async function fillIn(page: Page): Promise<void> {
  const add = async (name: string) => {
    await page.getByRole('button', { name: `Add ${name}` }).click();
    return page.getByRole('group', { name }).last();
  };
  await page.getByLabel('Name').first().fill('Checkout at noon');
  await page.getByLabel('Executor').selectOption('ramping-vus');
  await page.getByLabel('VUs at the start').fill('4');
  await page.getByLabel('Pause at least, s').fill('0.1');
  await page.getByLabel('Pause at most, s').fill('0.5');
  for (const duration of ['15s', '30s']) {
    const stage = await add('stage');
    await stage.getByLabel('Duration').fill(duration);
    await stage.getByLabel('To VUs').fill('40');
  }
  const endpoint = await add('endpoint');
  await endpoint.getByLabel('Name').fill('search');
  await endpoint.getByLabel('Path').fill('/search?q=lantern');
  await add('threshold');
  const failed = await add('threshold');
  await failed.getByLabel('Metric').fill('http_req_failed');
  await failed.getByLabel('Is to be').fill('rate<0.05');
}

async function api(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/api/docs`);
  await page.getByText('/api/bulk-users/create').first().waitFor();
  await shoot(page, 'api-docs');
}

/** @param state `networkidle` never comes on a page that follows an event stream */
async function shoot(
  page: Page,
  name: string,
  { state = 'networkidle', fullPage = false }: { state?: 'load' | 'networkidle'; fullPage?: boolean } = {},
): Promise<void> {
  await page.waitForLoadState(state);
  await page.screenshot({ path: join(images, `${name}.png`), fullPage });
  console.log(`docs/images/${name}.png`);
}

await main();

/**
 * `node infra/scripts/screenshots.ts`: pictures of the pages of a running Muster, into docs/images. Takes the API from
 * `API`, else from the stack that `npm start` runs; needs a Chromium (`CHROMIUM`, else /usr/bin/chromium).
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { loadConfig } from '../../shared/platform/config.ts';
import { readLocalApiKey, readStackFile } from '../../shared/platform/local-stack.ts';

const images = join(import.meta.dirname, '..', '..', 'docs', 'images');

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
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on('console', message => message.type() === 'error' && console.warn(`console: ${message.text()}`));
  await page.goto(`${url}/admin/queues`);
  await shoot(page, 'login');
  await page.locator('input[type=password], input[name=key]').first().fill(apiKey);
  await page.locator('button[type=submit]').click();
  await page.getByText('bulk-users.create').first().waitFor();
  await shoot(page, 'queues');
  await page.goto(`${url}/admin/queues/queue/bulk-users.create?status=completed`);
  await page.getByText('Progress', { exact: true }).first().click();
  await shoot(page, 'completed-job');
  await page.goto(`${url}/dashboard`);
  await page.locator('a[href^="#/load-tests/"]').first().click();
  await page.getByRole('heading', { name: 'Endpoints' }).waitFor();
  await page.waitForTimeout(3000); // some seconds for the charts
  await shoot(page, 'dashboard', 'load');
  await page.goto(`${url}/api/docs`);
  await page.getByText('/api/bulk-users/create').first().waitFor();
  await shoot(page, 'api-docs');
}

/** @param state `networkidle` never comes on a page that follows an event stream */
async function shoot(page: Page, name: string, state: 'load' | 'networkidle' = 'networkidle'): Promise<void> {
  await page.waitForLoadState(state);
  await page.screenshot({ path: join(images, `${name}.png`) });
  console.log(`docs/images/${name}.png`);
}

await main();

import { describeInBrowser, telephone, testBrowser } from '../../../../../test/fixtures/browser.ts';
import { endedTest, endpointMetrics, timelinePoint } from '../../../../../test/fixtures/load-results.ts';
import { loadTestConfig } from '../../../../../test/fixtures/load-test.ts';
import { createFold } from './fold.ts';
import { createReporter } from './report.ts';

/** A run of a minute whose throughput is a hundred times its second. */
function report(): string {
  const folding = createFold(60);
  for (let second = 0; second < 60; second += 1)
    folding.add(timelinePoint(second, { requests: second * 100 }));
  const url = `/search?q=${'a'.repeat(400)}`;
  const config = loadTestConfig({
    endpoints: [{ name: 'search', url, method: 'GET', weight: 1, timeout: 5 }],
  });
  return createReporter().render({
    row: endedTest({
      config,
      endpoints: { search: endpointMetrics(1000, 10) },
      thresholds: [{ metric: 'http_reqs', expression: 'count>1', ok: true, actual: 1000 }],
    }),
    shards: [],
    events: [{ type: 'control', at: '', second: 9, message: 'paused', shard: null, actor: 'ada' }],
    eventCounts: { all: 0, silences: 0, saturations: 0 },
    errors: [],
    folded: folding.end(),
  });
}

describeInBrowser('the report in a browser', () => {
  const browser = testBrowser();
  const open = async (options: Parameters<typeof browser.open>[0] = {}) => {
    const page = await browser.open(options);
    await page.setContent(report());
    return { page, plot: page.locator('#throughput .plot'), readout: page.locator('.readout') };
  };

  it('tells its figures to the keyboard alone', async () => {
    const { page, plot, readout } = await open();
    await page.keyboard.press('Tab'); // to the thresholds
    await page.keyboard.press('Tab');
    expect(await plot.evaluate(element => element.matches(':focus'))).toBe(true);
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight']) await page.keyboard.press(key);
    expect(await readout.innerText()).toMatch(/^0:02\s+requests\s+200\s/);
    await page.keyboard.press('End');
    expect(await readout.innerText()).toMatch(/^0:59\s+requests\s+5,900\s/);
    await page.keyboard.press('Escape');
    expect(await readout.isVisible()).toBe(false);
  });

  it('tells its figures to a finger, which has no place between touches', async () => {
    const { page, plot, readout } = await open(telephone);
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    await page.touchscreen.tap(200, (box?.y ?? 0) + 60);
    expect(await readout.innerText()).toMatch(/requests/);
    await page.touchscreen.tap(5, 5);
    expect(await readout.isVisible()).toBe(false);
  });

  it('brings what is drawn out of sight on a telephone to who reads it by key', async () => {
    const { page, plot, readout } = await open(telephone);
    await plot.focus();
    await page.keyboard.press('End');
    expect(await plot.evaluate(element => element.scrollLeft)).toBeGreaterThan(0);
    const box = await readout.boundingBox();
    expect((box?.x ?? -1) + (box?.width ?? 0)).toBeLessThanOrEqual(375);
  });

  it('keeps the figures of an endpoint within reach on a telephone, however long its address', async () => {
    const { page } = await open(telephone);
    const table = page.getByRole('region', { name: 'Endpoints' });
    const width = await table.evaluate(element => element.scrollWidth);
    expect(width).toBeLessThan(1000);
    await table.focus();
    expect(await table.evaluate(element => element.matches(':focus'))).toBe(true);
  });

  it('has no column without a name', async () => {
    const { page } = await open();
    for (const header of await page.locator('th').allInnerTexts()) expect(header).not.toBe('');
  });
});

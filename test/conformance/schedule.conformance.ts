import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../shared/kernel/time.ts';
import { createSignals } from './signals.ts';
import type { Store, Workbench } from './workbench.ts';

/** The same moment comes once, however many processes keep the schedule and take its jobs. */
export function describeSchedule({ queue }: Workbench, store: Store): void {
  test('a schedule gives one job a moment, until it is taken back', async () => {
    const { contract, client, consume } = await queue();
    const moments = createSignals<string>();
    const take = async ({ jobId }: { jobId: string }) => {
      moments.push(jobId);
      return { said: 'now' };
    };
    await Promise.all([consume(take), consume(take)]);
    const everySecond = { id: 'clock', pattern: '* * * * * *', timeZone: 'Asia/Tokyo' };
    const payload = { id: 'tick' };
    await Promise.all([1, 2, 3].map(() => client.schedule(contract, payload, everySecond)));
    await moments.when('a third moment', () => moments.all.length >= 3);
    await client.unschedule(contract, 'clock');
    expect(new Set(moments.all).size).toBe(moments.all.length);
    expect(moments.all.every(jobId => /\d{13}$/.test(jobId))).toBe(true);
    await expect(client.unschedule(contract, 'clock')).resolves.toBeUndefined();
  });

  test('processes that start at the very moment of a schedule all get it', async () => {
    const { contract, client } = await queue();
    const schedule = () =>
      client.schedule(contract, { id: 'tick' }, { id: 'start', pattern: '* * * * * *', timeZone: 'UTC' });
    await schedule();
    for (const _round of [1, 2, 3]) {
      await sleep(1000); // the moment is due, and nobody takes it
      await expect(Promise.all(Array.from({ length: 8 }, schedule))).resolves.toHaveLength(8);
    }
    await client.unschedule(contract, 'start');
  });

  test('a schedule that is kept already stays as it is, and one that was lost is kept again', async () => {
    const { contract, client } = await queue();
    const schedule = () =>
      client.schedule(contract, { id: 'tick' }, { id: 'clock', pattern: '* * * * * *', timeZone: 'UTC' });
    const [scheduler] = client.bullQueues();
    const next = async () => (await scheduler?.getJobScheduler('clock'))?.next;
    await schedule();
    const first = await next();
    await sleep(1000); // the moment is due, and nobody takes it
    await schedule();
    expect(await next()).toBe(first);
    await store.wipe();
    expect(await next()).toBeUndefined();
    await schedule();
    expect(await next()).toBeGreaterThan(first ?? 0);
    await client.unschedule(contract, 'clock');
  });

  test('a moment that came while no worker was there is made up for, once', async () => {
    const { contract, client, consume } = await queue();
    const schedule = () =>
      client.schedule(contract, { id: 'tick' }, { id: 'daily', pattern: '* * * * *', timeZone: 'UTC' });
    const halfAnHourAgo = Date.now() - 30 * 60_000;
    await atTime(halfAnHourAgo, schedule);
    await schedule();
    const moments = createSignals<string>();
    await consume(async ({ jobId }) => {
      moments.push(jobId);
      return { said: '' };
    });
    const missed = await moments.when('the missed moment', () => true);
    const moment = Number(missed.split(':').at(-1));
    expect(moment).toBeLessThanOrEqual(halfAnHourAgo + 60_000);
    const [scheduler] = client.bullQueues();
    await waitFor(
      'the schedule to go on',
      async () => ((await scheduler?.getJobScheduler('daily'))?.next ?? 0) > moment,
    );
    expect((await scheduler?.getJobScheduler('daily'))?.next).toBeGreaterThan(Date.now() - 60_000);
    expect(moments.all).toEqual([missed]);
    await client.unschedule(contract, 'daily');
  });

  test.each([
    { clock: 'a year ahead', offMs: 365 * 86_400_000 },
    { clock: 'a day behind', offMs: -86_400_000 },
  ])('a schedule that was made by a clock $clock starts anew', async ({ offMs }) => {
    const { contract, client } = await queue();
    const schedule = () =>
      client.schedule(contract, { id: 'tick' }, { id: 'wrong', pattern: '* * * * *', timeZone: 'UTC' });
    await atTime(Date.now() + offMs, schedule);
    await schedule();
    const next = (await client.bullQueues()[0]?.getJobScheduler('wrong'))?.next ?? 0;
    expect(Math.abs(next - Date.now())).toBeLessThan(120_000);
    expect((await client.counts())[contract.name]?.delayed).toBe(1);
    await client.unschedule(contract, 'wrong');
  });
}

/** Does something by a clock that shows another time. */
async function atTime(now: number, work: () => Promise<void>): Promise<void> {
  const clock = Date.now;
  Date.now = () => now;
  try {
    await work();
  } finally {
    Date.now = clock;
  }
}

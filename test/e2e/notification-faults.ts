import type { z } from 'zod';
import type { NotificationRunResult } from '../../shared/contracts/deadline-notifications.ts';
import { delivery } from '../../shared/http/deadline-notifications.ts';
import { pageOf } from '../../shared/http/pagination.ts';
import { bodyOf, type TestApi } from '../fixtures/api.ts';
import type { TestDatabases } from '../fixtures/database.ts';
import type { PushSink } from '../fixtures/push-sink.ts';
import type { SmtpSink } from '../fixtures/smtp-sink.ts';
import { subscribeStaff } from '../fixtures/welfare.ts';

interface NotificationStack {
  databases: TestDatabases;
  api: TestApi;
  mail: SmtpSink;
  push: PushSink;
  /** Makes offices whose staff have addresses that begin with the name; gives their ids. */
  offices: (name: string, size?: object) => Promise<string[]>;
  /** Runs to the end. */
  run: (body: object) => Promise<{ id: string; status: string; result: NotificationRunResult }>;
  deliveriesOf: (run: string, query?: string) => Promise<z.output<typeof delivery>[]>;
}

/** Declares the tests of servers that refuse, hang or break, and of broken data, on the stack of the run's tests. */
export function notificationFaults({
  databases,
  api,
  mail,
  push,
  offices,
  run,
  deliveriesOf,
}: NotificationStack): void {
  it('tries again what is refused for now, and tells what failed', async () => {
    const office_ids = await offices('faults', { offices: 1, staffPerOffice: 6 });
    await databases.application.sql`
      update staffs set email = ${'x\r\nBcc: evil@evil.test'} where email = 'faults-1-6@staff.test'`;
    mail.behave = (to, attempt) => {
      if (to.startsWith('faults-1-1@')) return 'refuse';
      if (to.startsWith('faults-1-2@')) return attempt < 3 ? 'busy' : 'take';
      if (to.startsWith('faults-1-3@')) return 'take-and-drop';
      if (to.startsWith('faults-1-4@')) return 'busy';
      return 100;
    };
    const { id, status, result } = await run({ office_ids });
    expect({ status, result }).toMatchObject({
      status: 'partially_succeeded',
      result: { emails_sent: 2, failed: 3, unknown: 1 },
    });
    const failed = (await deliveriesOf(id, '&status=failed')).map(
      ({ code, attempts }) => `${code} ${attempts}`,
    );
    expect(failed.toSorted()).toEqual(['invalid_address 1', 'smtp_451 3', 'smtp_550 1']);
    const failures = await (await api.call('GET', `/api/deadline-notifications/runs/${id}/failures`)).json();
    expect(failures).toMatchObject({ items: { length: 3 }, next_cursor: null });

    const [unknown] = await deliveriesOf(id, '&status=unknown');
    const open = async (query: string) =>
      (
        await bodyOf(
          await api.call('GET', `/api/deadline-notifications/deliveries?limit=1000${query}`),
          pageOf(delivery),
        )
      ).items;
    expect(await open('')).toContainEqual(unknown);
    expect(await open('&channel=push')).toEqual([]);
    const settle = (arrived: boolean) =>
      api.call('POST', `/api/deadline-notifications/deliveries/${unknown?.id}/settle`, { json: { arrived } });
    mail.behave = () => 'take';
    expect((await run({ office_ids })).result).toMatchObject({
      emails_sent: 2,
      failed: 1,
      skipped_already_sent: 3,
    });
    expect(await bodyOf(await settle(false), delivery)).toMatchObject({ status: 'failed' });
    expect(await open('')).not.toContainEqual(expect.objectContaining({ id: unknown?.id }));
    expect((await settle(true)).status).toBe(409);
    expect((await run({ office_ids })).result).toMatchObject({ emails_sent: 1, skipped_already_sent: 4 });
  });

  it('settles all that a run left unknown at once', async () => {
    const office_ids = await offices('lost', { offices: 1 });
    mail.behave = () => 'take-and-drop';
    const { id, result } = await run({ office_ids });
    expect(result).toMatchObject({ emails_sent: 0, unknown: 3 });
    mail.behave = () => 'take';
    expect((await run({ office_ids })).result).toMatchObject({ emails_sent: 0, skipped_already_sent: 3 });
    const settle = async () =>
      (
        await api.call('POST', `/api/deadline-notifications/runs/${id}/settle`, { json: { arrived: false } })
      ).json();
    expect(await settle()).toEqual({ settled: 3 });
    expect(await settle()).toEqual({ settled: 0 });
    expect((await run({ office_ids })).result).toMatchObject({ emails_sent: 3 });
  });

  it('sends once, after all, what a mail server cut off before it had it', async () => {
    const office_ids = await offices('cut', { offices: 1 });
    mail.behave = (_to, attempt) => (attempt === 1 ? 'drop' : 'take');
    const { id, result } = await run({ office_ids });
    const told = (status: string) => deliveriesOf(id, `&status=${status}`);
    expect(result).toMatchObject({ emails_sent: mail.taken.length, unknown: (await told('unknown')).length });
    expect(result.emails_sent + result.unknown).toBe(3);
    await api.call('POST', `/api/deadline-notifications/runs/${id}/settle`, { json: { arrived: false } });
    await run({ office_ids });
    expect(mail.taken.map(({ to }) => to).toSorted()).toEqual(
      [1, 2, 3].map(staff => `cut-1-${staff}@staff.test`),
    );
  });

  it('pushes with an encrypted payload, prunes what is gone, waits for what is busy', async () => {
    const office_ids = await offices('push', { offices: 1, staffPerOffice: 6 });
    const { sql } = databases.application;
    await subscribeStaff(sql, office_ids, { endpoint: `${push.url}/p`, keys: push.keys });
    await sql`delete from push_subscriptions where staff_id = (select id from staffs where email = 'push-1-6@staff.test')`;
    const staff = await sql<
      { id: string }[]
    >`select id from staffs where email like 'push-1-%' order by email`;
    const [gone, busy, broken, hanging, fine] = staff.map(({ id }) => `/p/${id}`);
    push.behave = (path, attempt) => {
      if (path === gone) return 410;
      if (path === busy) return attempt === 1 ? 429 : 201;
      if (path === broken) return 500;
      return path === hanging ? 'hang' : 201;
    };
    const { id, result } = await run({ office_ids, channels: ['push'] });
    expect(result).toMatchObject({ pushes_sent: 2, failed: 2, unknown: 1, skipped: 1, read_queries: 4 });
    const codes = (await deliveriesOf(id)).map(({ status, code }) => `${status} ${code}`);
    expect(codes.toSorted()).toEqual([
      'failed push_410',
      'failed push_500',
      'sent null',
      'sent null',
      'skipped no_subscription',
      'unknown push_no_answer',
    ]);
    const left = await sql`select 1 from push_subscriptions where endpoint = ${`${push.url}${gone}`}`;
    expect(left).toHaveLength(0);
    const one = push.taken.find(({ path }) => path === fine);
    expect(JSON.parse(one?.payload ?? '')).toMatchObject({
      title: expect.stringContaining('4件'),
      lang: 'ja',
    });
    expect(one?.headers).toMatchObject({
      authorization: expect.stringMatching(/^vapid t=.+, k=.+/),
      topic: expect.stringMatching(/^[\w-]{32}$/),
      ttl: '259200',
    });
  });

  it('pushes again to the browser that was busy, and not to the one that took it', async () => {
    const office_ids = await offices('browsers', { offices: 1, staffPerOffice: 1 });
    const { sql } = databases.application;
    for (const endpoint of ['/fine', '/busy', '/away'])
      await subscribeStaff(sql, office_ids, { endpoint: `${push.url}${endpoint}`, keys: push.keys });
    push.behave = (path, attempt) => {
      if (path.startsWith('/away')) return 503;
      return path.startsWith('/busy') && attempt === 1 ? 429 : 201;
    };
    const { result } = await run({ office_ids, channels: ['push'] });
    expect(result).toMatchObject({ pushes_sent: 1, failed: 0, unknown: 0 });
    expect(push.taken.map(({ path }) => path.split('/')[1])).toEqual(['fine', 'busy']);
    expect((await run({ office_ids, channels: ['push'] })).result).toMatchObject({ skipped_already_sent: 1 });
  });

  it('reports an office whose data are broken, and tells the others', async () => {
    const office_ids = await offices('broken', { offices: 3, staffPerOffice: 1 });
    const { sql } = databases.application;
    await sql`update staffs set notification_preferences = '{"email_threshold_days": "soon"}'
      where email = 'broken-2-1@staff.test'`;
    await sql`delete from office_staffs where office_id = ${office_ids[2] ?? ''}`;
    const { id, status, result } = await run({ office_ids });
    expect({ status, result }).toMatchObject({
      status: 'partially_succeeded',
      result: { offices: 3, offices_failed: 1, offices_without_staff: 1, emails_sent: 1 },
    });
    const failures = await (await api.call('GET', `/api/deadline-notifications/runs/${id}/failures`)).json();
    expect(failures).toMatchObject({ items: [{ office_id: office_ids[1], code: 'invalid_data' }] });
  });
  it('reports the messages whose template fails, sends the others, and refuses to show those', async () => {
    const office_ids = await offices('template', { offices: 3, staffPerOffice: 2 });
    const { sql } = databases.application;
    await sql`alter table support_plan_cycles drop constraint support_plan_cycles_dates`; // not every application has it
    for (const id of office_ids.slice(0, 2)) // one in each language
      await sql`
        update support_plan_cycles set next_renewal_deadline = '-infinity' where id =
          (select id from support_plan_cycles where office_id = ${id} order by next_renewal_deadline limit 1)`;
    const { id, status, result } = await run({ office_ids });
    expect({ status, result }).toMatchObject({
      status: 'partially_succeeded',
      result: { offices: 3, offices_failed: 0, emails_sent: 2, failed: 4 },
    });
    const failed = await deliveriesOf(id, '&status=failed');
    expect(new Set(failed.map(({ code, detail }) => `${code}: ${detail}`))).toEqual(
      new Set(['template_error: -infinity is not a day']),
    );
    expect(mail.taken.map(({ to }) => to).toSorted()).toEqual([
      'template-3-1@staff.test',
      'template-3-2@staff.test',
    ]);

    const cycle = failed[0]?.cycle_ids[0] ?? '';
    for (const deadline of ['-infinity', '0044-03-15 BC', '10000-01-01', 'infinity']) {
      await sql`update support_plan_cycles set next_renewal_deadline = ${deadline} where id = ${cycle}`;
      const preview = await api.call(
        'GET',
        `/api/deadline-notifications/deliveries/${failed[0]?.id}/preview`,
      );
      expect(preview.status).toBe(409);
      expect(await preview.json()).toMatchObject({
        code: 'conflict',
        detail: expect.stringContaining('is not a day'),
      });
    }
  });
}

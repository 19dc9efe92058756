import { z } from 'zod';
import { notificationsRun, notificationsTick } from '../../shared/contracts/deadline-notifications.ts';
import { delivery } from '../../shared/http/deadline-notifications.ts';
import { job } from '../../shared/http/jobs.ts';
import { pageOf } from '../../shared/http/pagination.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { bodyOf, problemOf, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { pushSink } from '../fixtures/push-sink.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { smtpSink } from '../fixtures/smtp-sink.ts';
import { makeOffices } from '../fixtures/welfare.ts';
import { type RunningWorker, runWorker, testNotifications } from '../fixtures/worker.ts';
import { notificationFaults } from './notification-faults.ts';

const databases = testDatabases();
const mail = smtpSink();
const push = pushSink();
const store = postgresStore(databases);
const api = testApi(databases, { SMTP_URL: 'smtp://set.invalid', PUBLIC_URL: 'http://muster.test' });
const asOf = '2026-04-01';
let workers: RunningWorker[] = [];

beforeAll(async () => {
  const notifications = testNotifications({
    SMTP_URL: mail.url,
    MAIL_FROM: 'Muster <muster@muster.test>',
    PUBLIC_URL: api.url,
    NOTIFICATION_RETRY_MS: '20',
    NOTIFICATION_ATTEMPTS: '3',
    NOTIFICATION_TIMEOUT_MS: '700',
  });
  workers = await Promise.all(
    [1, 2].map(n => runWorker(databases, store, { name: `worker-${n}`, notifications })),
  );
});
afterAll(() => Promise.all(workers.map(worker => worker.stop())));
beforeEach(() => {
  mail.taken.length = 0;
  push.taken.length = 0;
  mail.behave = () => 'take';
  push.behave = () => 201;
});

const start = (body: object) =>
  api.call('POST', '/api/deadline-notifications/runs', { json: { as_of: asOf, ...body } });

/** Runs to the end; gives the job with its result. */
async function run(body: object) {
  const response = await start(body);
  expect(response.status).toBe(202);
  return ended((await bodyOf(response, job)).id);
}

async function ended(id: string) {
  const found = await waitFor('the end of the run', async () => {
    const state = await bodyOf(await api.call('GET', `/api/deadline-notifications/runs/${id}`), job);
    return state.finished_at === null ? undefined : state;
  });
  return { ...found, result: notificationsRun.output.parse(found.result) };
}

async function deliveriesOf(id: string, query = '') {
  const response = await api.call(
    'GET',
    `/api/deadline-notifications/runs/${id}/deliveries?limit=1000${query}`,
  );
  return (await bodyOf(response, pageOf(delivery))).items;
}

const offices = (name: string, size: object = {}) =>
  makeOffices(databases.application.sql, {
    name,
    offices: 2,
    staffPerOffice: 3,
    recipientsPerOffice: 4,
    firstDeadline: '2026-03-30',
    ...size,
  });

const addressesOf = (taken: { to: string }[]) => taken.map(({ to }) => to).toSorted();

describe('a run of deadline notifications', () => {
  it('starts when its schedule says so, once a moment', async () => {
    const queue = workers[0]?.queue;
    const everySecond = { id: 'test', pattern: '* * * * * *', timeZone: 'Asia/Tokyo' };
    await queue?.schedule(notificationsTick, {}, everySecond);
    const runs = await waitFor('two runs', async () => {
      const { items } = await bodyOf(await api.call('GET', '/api/deadline-notifications/runs'), pageOf(job));
      return items.length >= 2 && items;
    });
    await queue?.unschedule(notificationsTick, 'test');
    for (const { id } of runs) await ended(id);
    const seconds = runs.map(({ created_at }) => created_at.slice(0, 19));
    expect(new Set(runs.map(({ requested_by }) => requested_by))).toEqual(new Set(['schedule']));
    expect(new Set(seconds).size).toBe(seconds.length);
  });

  it('plans in a dry run exactly what it then sends, once', async () => {
    const office_ids = await offices('plain');
    const dry = await run({ office_ids, dry_run: true });
    expect(mail.taken).toEqual([]);
    const real = await run({ office_ids });
    const again = await run({ office_ids });
    const figures = {
      offices: 2,
      alerts: 8,
      recipients: 6,
      emails_sent: 6,
      pushes_sent: 0,
      failed: 0,
      unknown: 0,
    };
    const queries = { read_queries: 3, total_queries: 7 }; // take, read, claim, finish, and a look at the whole
    expect(dry).toMatchObject({ status: 'succeeded', result: { ...figures, ...queries, dry_run: true } });
    expect(real).toMatchObject({ status: 'succeeded', result: { ...figures, read_queries: 3 } });
    expect(again.result).toMatchObject({ emails_sent: 0, skipped_already_sent: 6 });
    expect(addressesOf(mail.taken)).toEqual(
      [1, 2].flatMap(office => [1, 2, 3].map(staff => `plain-${office}-${staff}@staff.test`)),
    );
    const messages = async (id: string) =>
      (await deliveriesOf(id)).map(({ staff_id, office_id, channel, cycle_ids }) =>
        JSON.stringify({ staff_id, office_id, channel, cycle_ids }),
      );
    expect((await messages(dry.id)).toSorted()).toEqual((await messages(real.id)).toSorted());
  });

  it('tells each staff member within the own threshold, of what has passed too', async () => {
    const office_ids = await offices('threshold', { offices: 1, firstDeadline: '2026-03-31' });
    const { sql } = databases.application;
    await sql`update staffs set notification_preferences = notification_preferences || '{"email_threshold_days": 1}'
      where email = 'threshold-1-1@staff.test'`;
    await sql`update staffs set notification_preferences = notification_preferences || '{"email_notification": false}'
      where email = 'threshold-1-2@staff.test'`;
    const { id, result } = await run({ office_ids });
    expect(result).toMatchObject({ alerts: 4, recipients: 2, emails_sent: 2 });
    const counts = (await deliveriesOf(id)).map(({ cycle_ids }) => cycle_ids.length);
    expect(counts.toSorted()).toEqual([3, 4]);
  });

  it('writes in the language of the office, escaped, with a link that stops it', async () => {
    const office_ids = await offices('language', { staffPerOffice: 1 });
    const { sql } = databases.application;
    await sql`update staffs set last_name = ${'<b>\r\nBcc: evil@evil.test'} where email = 'language-2-1@staff.test'`;
    const { id } = await run({ office_ids });
    const raw = Object.fromEntries(mail.taken.map(({ to, raw }) => [to, raw]));
    const english = raw['language-2-1@staff.test'] ?? '';
    expect(english).not.toMatch(/^bcc:/im);
    expect(english).toMatch(/^Message-ID: <[\w-]+@muster\.test>/m);
    expect(english).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click/m);
    const previews = await Promise.all(
      (await deliveriesOf(id)).map(async ({ id }) =>
        z
          .object({ locale: z.string(), subject: z.string(), html: z.string() })
          .parse(
            await (await api.call('GET', `/api/deadline-notifications/deliveries/${id}/preview`)).json(),
          ),
      ),
    );
    const [en, ja] = previews.toSorted((a, b) => a.locale.localeCompare(b.locale));
    expect(en).toMatchObject({
      locale: 'en',
      html: expect.stringContaining('Dear &lt;b&gt; Bcc: evil@evil.test'),
    });
    expect(ja).toMatchObject({ locale: 'ja', subject: expect.stringContaining('期限のお知らせ') });

    const link = new URL(/^List-Unsubscribe:\s*<(.*?)>/m.exec(english)?.[1] ?? '');
    expect((await fetch(link)).status).toBe(200);
    const oneClick = { method: 'POST', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) };
    expect((await fetch(`${link.href.slice(0, -1)}!`, oneClick)).status).toBe(404);
    expect((await fetch(link, oneClick)).status).toBe(200);
    const [row] = await sql`select notification_preferences->'email_notification' as email from staffs
      where email = 'language-2-1@staff.test'`;
    expect(row).toEqual({ email: false });
  });

  notificationFaults({ databases, api, mail, push, offices, run, deliveriesOf });

  it.each(['1950-01-01', '2199-12-31'])('can count its days from %s', async as_of => {
    const office_ids = await offices(`from-${as_of}`);
    expect(await run({ as_of, office_ids, dry_run: true })).toMatchObject({ status: 'succeeded' });
  });

  it.each(['0000-01-01', '1949-12-31', '2200-01-01', '9999-12-31'])(
    'refuses to count them from %s',
    async as_of => {
      const refused = await start({ as_of, dry_run: true });
      expect(refused.status).toBe(422);
      expect((await problemOf(refused)).errors).toMatchObject([{ pointer: '/as_of' }]);
    },
  );

  it('spreads its pages over workers, and adds them up', async () => {
    await offices('many', { offices: 1010, staffPerOffice: 1, recipientsPerOffice: 1 });
    const { id, result } = await run({ dry_run: true, channels: ['email'] });
    const [row] = await databases.application.sql<{ pages: number; workers: number }[]>`
      select count(*)::int as pages, count(distinct worker)::int as workers from muster.notification_pages
      where run_id = ${id}`;
    expect(row).toEqual({ pages: 3, workers: 2 });
    expect(result.read_queries).toBe(3 * 3);
    expect(result.emails_sent).toBeGreaterThanOrEqual(1010);
  });

  it('ends with the reason when one of its pages can never be done', async () => {
    const { sql } = databases.application;
    await sql.unsafe(`
      create function poisoned() returns trigger language plpgsql as $$
        begin raise exception 'poison' using errcode = 'check_violation'; end $$;
      create trigger poison before update on muster.notification_pages for each row
        when (new.page_index = 1 and new.status = 'done') execute function poisoned()`);
    const { id } = await bodyOf(await start({ dry_run: true, channels: ['email'] }), job);
    const failed = await testJobs(api).ended({ id });
    await sql`drop trigger poison on muster.notification_pages`;
    expect(failed).toMatchObject({
      status: 'failed',
      error: { code: 'chunk_refused', message: expect.stringContaining('poison') },
    });
  });

  it('runs once when it is started twice at once', async () => {
    const office_ids = await offices('twice', { staffPerOffice: 1 });
    mail.behave = () => 200;
    const answers = await Promise.all([start({ office_ids }), start({ office_ids })]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409]);
    const first = answers.find(({ status }) => status === 202);
    await ended((await bodyOf(first ?? Response.error(), job)).id);
    expect(mail.taken).toHaveLength(2);
  });

  it('is not retried while another is on', async () => {
    const office_ids = await offices('retried', { staffPerOffice: 1 });
    mail.behave = () => 'refuse';
    const refused = await run({ office_ids });
    mail.behave = () => 300;
    const { id } = await bodyOf(await start({ office_ids }), job);
    const retry = (id: string) => api.call('POST', `/api/jobs/${id}/retry`);
    const conflict = await retry(refused.id);
    expect(await conflict.json()).toMatchObject({
      status: 409,
      detail: expect.stringContaining(`The run ${id} has not ended`),
    });
    await ended(id);
    mail.behave = () => 'take';
    expect((await retry(refused.id)).status).toBe(202);
    expect((await ended(refused.id)).result).toMatchObject({ emails_sent: 0, skipped_already_sent: 2 });
  });
});

import type { NotificationRun } from '../../../../shared/contracts/deadline-notifications.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { createLogger } from '../../../../shared/platform/log.ts';
import { readRun } from '../../../../shared/store/deadline-notifications/notification-pages.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { smtpSink } from '../../../../test/fixtures/smtp-sink.ts';
import { makeOffices } from '../../../../test/fixtures/welfare.ts';
import { testNotifications } from '../../../../test/fixtures/worker.ts';
import { runPage } from './run-page.ts';

const databases = testDatabases();
const mail = smtpSink();
const messages = 30; // e-mails; each of these staff has push on too, and no browser

beforeEach(() => {
  mail.taken.length = 0;
  mail.behave = () => 'take';
});

async function offices(name: string): Promise<string[]> {
  const { sql } = databases.application;
  const size = { offices: 6, staffPerOffice: 5, recipientsPerOffice: 2, firstDeadline: '2026-04-01' };
  const ids = await makeOffices(sql, { ...size, name });
  await sql`update staffs set notification_preferences = notification_preferences || '{"system_notification": true}'`;
  return ids;
}

const runOf = (office_ids: string[], dry_run = false): NotificationRun => ({
  as_of: '2026-04-01',
  dry_run,
  channels: ['email', 'push'],
  office_concurrency: 2,
  message_concurrency: 2,
  office_ids,
});

/** Takes the only page of a run, as the next worker does. @param stop when it aborts, the worker is stopping */
async function work(
  runId: string,
  run: NotificationRun,
  { stop = new AbortController(), onProgress = () => {} } = {},
): Promise<void> {
  const deps = {
    applicationDatabase: databases.application,
    notifications: testNotifications({ SMTP_URL: mail.url }),
    logger: createLogger('test', { level: 'silent' }),
    workerName: 'test',
  };
  const key = { runId, run: 0, pageIndex: 0 };
  await runPage(deps, { key, run, signal: stop.signal, onProgress, onNext: async () => {} });
}

async function figuresOf(runId: string) {
  const { totals, recipients, deliveries } = await readRun(databases.application.db, { runId, run: 0 }, true);
  const counts = deliveries.map(({ channel, status, count }) => `${channel} ${status}: ${count}`).toSorted();
  return { recipients, skippedAlreadySent: totals.skipped_already_sent, counts };
}

const stopping = new AppError('shutting_down');

describe('a page that one worker leaves to the next', () => {
  it('is planned once in a dry run', async () => {
    const run = runOf(await offices('planned'), true);
    const runId = newId();
    const stop = new AbortController();
    const left = work(runId, run, { stop, onProgress: () => stop.abort(stopping) });
    await expect(left).rejects.toBe(stopping);
    const { counts } = await figuresOf(runId);
    expect(counts).toEqual([`email planned: ${messages}`, `push skipped: ${messages}`]);
    await work(runId, run);
    expect(await figuresOf(runId)).toEqual({ recipients: messages, skippedAlreadySent: 0, counts });
  });

  it('counts those whom the first one told as told by this run', async () => {
    const ids = await offices('sent');
    await work(newId(), runOf(ids.slice(0, 1)));
    const before = mail.taken.length;
    const runId = newId();
    const stop = new AbortController();
    mail.behave = () => {
      if (mail.taken.length >= before + 5) stop.abort(stopping);
      return 'take';
    };
    await expect(work(runId, runOf(ids), { stop })).rejects.toBe(stopping);
    expect(mail.taken.length).toBeLessThan(messages);
    await work(runId, runOf(ids));
    expect(mail.taken).toHaveLength(messages);
    expect(await figuresOf(runId)).toEqual({
      recipients: messages - before,
      skippedAlreadySent: before,
      counts: [`email sent: ${messages - before}`, `push skipped: ${messages}`],
    });
  });
});

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createTransport } from 'nodemailer';
import postgres, { type Sql } from 'postgres';
import { SMTPServer } from 'smtp-server';
import webpush from 'web-push';
import { workerHeap } from '../services/local/layout.ts';
import { createVapidTokens } from '../services/worker/features/deadline-notifications/vapid-tokens.ts';
import { joinParts, listAlerts, renderEmail } from '../shared/contracts/notification-messages/email.ts';
import type { MessageContent } from '../shared/contracts/notification-messages/message.ts';
import { loadConfig } from '../shared/platform/config.ts';
import { startEmbeddedPostgres } from '../shared/platform/embedded-postgres.ts';
import { removeEmbeddedPostgres } from '../shared/platform/embedded-postgres-data.ts';
import { createDatabaseIfMissing, migrateDatabase } from '../shared/platform/migrate.ts';
import { activate, asOf, growOffices, recipientsPerOffice, staffPerOffice } from './notification-data.ts';
import { runAlone, type WorkerReport, workerReport } from './notification-worker.ts';
import { show, spreadOf } from './statistics.ts';

const migrations = resolve(import.meta.dirname, '..', 'drizzle', 'application', 'migrations');
const connections = 50;

/**
 * Deadline notifications on an embedded PostgreSQL with its default durability: statements, time and memory of dry runs
 * of growing size, each in a process of its own; then e-mail into an SMTP server that is not ours (smtp-server, in a
 * process of its own) next to a bare nodemailer pool with the same messages and as many connections, by turns; then the
 * signing of pushes next to the library's. `npm run bench -- deadline-notifications [OFFICES] [ROUNDS]`
 */
export async function benchDeadlineNotifications(args: string[]): Promise<void> {
  const [role, ...rest] = args;
  if (role === 'sink') return runSink();
  if (role === 'worker') return reportAlone(rest);
  const [offices = 500, rounds = 3] = args.map(Number);
  const dataDir = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  await chmod(dataDir, 0o711); // root lends PostgreSQL another account, which must get through
  const server = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') });
  await createDatabaseIfMissing(server.url('postgres'), 'storefront');
  const url = server.url('storefront');
  await migrateDatabase(url, migrations);
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await benchPlanning(sql, url, offices);
    await benchEmail(sql, url, offices, rounds);
    benchPush(2000);
  } finally {
    await sql.end();
    await server.stop();
    await removeEmbeddedPostgres(join(dataDir, 'postgres'));
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function benchPlanning(sql: Sql, url: string, offices: number): Promise<void> {
  console.log(
    `Dry runs; ${staffPerOffice} staff and ${recipientsPerOffice} deadlines an office, pages of 500 offices`,
  );
  const reports: WorkerReport[] = [];
  for (const count of [offices / 50, offices / 5, offices, offices * 10].map(Math.ceil)) {
    await growOffices(sql, count);
    await activate(sql, count);
    await sql`checkpoint`;
    const report = await inOwnProcess(url, { dryRun: true, smtpUrl: 'smtp://127.0.0.1:9' });
    reports.push(report);
    const pages = Math.ceil(count / 500);
    console.log(
      `  ${count} offices: ${report.messages} messages in ${report.seconds.toFixed(2)} s, memory +${report.rssGrowthMb} MiB; ` +
        `${report.readQueries} reading and ${report.totalQueries} statements in all, ${(report.totalQueries / pages).toFixed(1)} a page`,
    );
    for (const [statement, times] of Object.entries(report.statements))
      console.log(`    ${times} x ${statement}`);
  }
  const [, , reference, large] = reports;
  if (reference && large)
    console.log(
      `  memory at ten times the size: ${(large.rssGrowthMb / reference.rssGrowthMb).toFixed(2)} x`,
    );
}

async function benchEmail(sql: Sql, url: string, offices: number, rounds: number): Promise<void> {
  await activate(sql, offices);
  const sink = fork(mainScript(), ['deadline-notifications', 'sink'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [smtpUrl] = await once(sink, 'message');
  const messages = offices * staffPerOffice;
  console.log(`E-mail: ${messages} messages, ${connections} connections, ${rounds} rounds by turns`);
  const ours: number[] = [];
  const bare: number[] = [];
  try {
    await sendBare(smtpUrl, Math.min(500, messages)); // not counted: the sink's code is compiled
    for (let round = 1; round <= rounds; round++) {
      await sql`truncate muster.notification_ledger, muster.notification_deliveries`;
      await sql`checkpoint`;
      const before = await takenBy(sink);
      const report = await inOwnProcess(url, { dryRun: false, smtpUrl });
      const taken = (await takenBy(sink)) - before;
      const [ledger] = await sql<{ sent: number }[]>`
        select count(*)::int as sent from muster.notification_deliveries where status = 'sent'`;
      const bareSeconds = await sendBare(smtpUrl, messages);
      ours.push(report.messages / report.seconds);
      bare.push(messages / bareSeconds);
      console.log(
        `  round ${round}: Muster ${report.seconds.toFixed(2)} s, bare pool ${bareSeconds.toFixed(2)} s; ` +
          `sink ${taken}, ledger ${ledger?.sent}, result ${report.messages}; ${report.totalQueries} statements, memory +${report.rssGrowthMb} MiB`,
      );
    }
  } finally {
    sink.kill();
  }
  const ratios = ours.map((rate, round) => rate / (bare[round] ?? Number.NaN));
  console.log(`Muster       ${show(spreadOf(ours), ' messages/s', 0)}`);
  console.log(`bare pool    ${show(spreadOf(bare), ' messages/s', 0)}`);
  console.log(`ratio Muster / bare pool  ${show(spreadOf(ratios))}`);
}

/** The same messages, made before the clock starts, as fast as a nodemailer pool takes them. */
async function sendBare(smtpUrl: string, count: number): Promise<number> {
  const transport = createTransport({
    url: smtpUrl,
    pool: true,
    maxConnections: connections,
    maxMessages: Number.POSITIVE_INFINITY,
  });
  const alerts = Array.from({ length: recipientsPerOffice }, (_, index) => ({
    cycleId: '',
    recipientName: `佐藤 花子${index}`,
    deadline: asOf,
  }));
  const content: MessageContent = {
    locale: 'ja',
    officeName: '事業所 1',
    staffName: '山田 太郎1',
    asOf,
    alerts,
  };
  const rendered = renderEmail(content, listAlerts(content), 'http://127.0.0.1:8080/unsubscribe?token=x');
  const [text, html] = [joinParts(rendered.text), joinParts(rendered.html)];
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      transport.sendMail({
        from: 'Muster <muster@localhost>',
        to: { name: '山田 太郎', address: `bare-${index}@staff.test` },
        subject: rendered.subject,
        text,
        html,
        headers: { 'List-Unsubscribe': '<http://127.0.0.1:8080/unsubscribe?token=x>' },
      }),
    ),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  transport.close();
  return seconds;
}

function benchPush(count: number): void {
  const { publicKey, privateKey } = webpush.generateVAPIDKeys();
  const subject = 'mailto:muster@muster.test';
  const tokens = createVapidTokens({ subject, publicKey, privateKey });
  const origin = 'https://push.example.com';
  const microseconds = (work: () => void): number => {
    for (let index = 0; index < 100; index++) work();
    const startedAt = performance.now();
    for (let index = 0; index < count; index++) work();
    return ((performance.now() - startedAt) * 1000) / count;
  };
  const plain = microseconds(() =>
    webpush.getVapidHeaders(origin, subject, publicKey, privateKey, 'aes128gcm'),
  );
  const cached = microseconds(() => tokens.authorizationFor(origin));
  const keys = { p256dh: publicKey, auth: Buffer.alloc(16).toString('base64url') };
  const subscription = { endpoint: `${origin}/x`, keys };
  const vapidDetails = { subject, publicKey, privateKey };
  const wholePlain = microseconds(() =>
    webpush.generateRequestDetails(subscription, 'x'.repeat(300), { vapidDetails }),
  );
  const whole = microseconds(() => {
    tokens.authorizationFor(origin);
    webpush.encrypt(keys.p256dh, keys.auth, 'x'.repeat(300), 'aes128gcm');
  });
  console.log(
    `Push: signing ${plain.toFixed(1)} us a message by the library, ${cached.toFixed(2)} us with a token an origin: ${Math.round(plain / cached)} x faster`,
  );
  console.log(
    `      with encryption ${wholePlain.toFixed(1)} us and ${whole.toFixed(1)} us: ${(wholePlain / whole).toFixed(2)} x faster`,
  );
}

const mainScript = (): string => join(import.meta.dirname, 'main.ts');

async function inOwnProcess(
  url: string,
  options: { dryRun: boolean; smtpUrl: string },
): Promise<WorkerReport> {
  const child = fork(mainScript(), ['deadline-notifications', 'worker', url, JSON.stringify(options)], {
    execArgv: workerHeap(loadConfig({}).WORKER_HEAP_MB), // as `npm start` has it
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [report] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`The worker ended with ${code}`))),
  ]);
  return workerReport.parse(report);
}

async function reportAlone([url = '', options = '']: string[]): Promise<void> {
  process.send?.(await runAlone(url, JSON.parse(options)));
}

async function takenBy(sink: ChildProcess): Promise<number> {
  sink.send('count');
  const [count] = await once(sink, 'message');
  return count;
}

/** nodemailer's smtp-server, which reads each message to its end and counts it. */
async function runSink(): Promise<void> {
  let taken = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, _session, done) {
      stream.on('end', () => {
        taken += 1;
        done();
      });
      stream.resume();
    },
  });
  server.on('error', () => {});
  process.on('message', () => process.send?.(taken));
  server.listen(0, '127.0.0.1', () => {
    process.send?.(`smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`);
  });
  await once(process, 'disconnect');
  server.close();
}

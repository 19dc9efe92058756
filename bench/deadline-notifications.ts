import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { workerHeap } from '../services/local/layout.ts';
import { loadConfig } from '../shared/platform/config.ts';
import { removeEmbeddedPostgres } from '../shared/platform/embedded-postgres/data.ts';
import { startEmbeddedPostgres } from '../shared/platform/embedded-postgres/embedded-postgres.ts';
import { createDatabaseIfMissing, migrateDatabase } from '../shared/platform/postgres/migrate.ts';
import { connections, sendBare } from './notification-bare.ts';
import {
  activate,
  growOffices,
  recipientsPerOffice,
  staffPerOffice,
  subscribe,
} from './notification-data.ts';
import { benchPush } from './notification-push.ts';
import { runSink, type Sink, startSink } from './notification-sink.ts';
import { runAlone, type WorkerOptions, type WorkerReport, workerReport } from './notification-worker.ts';
import { show, spreadOf } from './statistics.ts';

const migrations = resolve(import.meta.dirname, '..', 'drizzle', 'application', 'migrations');

/**
 * Deadline notifications on an embedded PostgreSQL with its default durability: statements, time and memory of runs of
 * growing size, each in a process of its own; then e-mail into an SMTP server that is not ours (smtp-server, in a
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
  const sink = await startSink();
  try {
    await benchSizes(sql, url, sink, offices, rounds);
    await benchEmail(sql, url, sink, offices, rounds);
    benchPush(2000);
  } finally {
    sink.stop();
    await sql.end();
    await server.stop();
    await removeEmbeddedPostgres(join(dataDir, 'postgres'));
    await rm(dataDir, { recursive: true, force: true });
  }
}

/**
 * Dry runs and real ones of growing size, over both channels; one in ten of the staff has a browser that takes pushes.
 * The largest real one is done once: it takes as long as the mail server does.
 */
async function benchSizes(sql: Sql, url: string, sink: Sink, offices: number, rounds: number): Promise<void> {
  console.log(
    `Runs, each in a new process; ${staffPerOffice} staff (one with push) and ${recipientsPerOffice} deadlines an office, pages of 500 offices`,
  );
  const grown = new Map<string, number[]>();
  const counted = new Map<string, Record<string, number>>();
  for (const count of [offices / 50, offices / 5, offices, offices * 10].map(Math.ceil)) {
    await growOffices(sql, count);
    await subscribe(sql, sink.pushUrl);
    await activate(sql, count);
    for (const dryRun of [true, false]) {
      const name = dryRun ? 'dry run' : 'send';
      const reports: WorkerReport[] = [];
      for (let round = 0; round < (dryRun || count <= offices ? rounds : 1); round++) {
        await forget(sql);
        reports.push(await inOwnProcess(url, { dryRun, smtpUrl: sink.smtpUrl, channels: ['email', 'push'] }));
      }
      const memory = spreadOf(reports.map(report => report.memoryGrowthMb));
      grown.set(name, [...(grown.get(name) ?? []), memory.median]);
      tell(`${count} offices, ${name}`, reports, Math.ceil(count / 500));
      counted.set(`${count}${dryRun ? ' dry' : ''}`, reports[0]?.statements ?? {});
    }
  }
  tellStatements(counted);
  for (const [name, [, , reference = Number.NaN, large = Number.NaN]] of grown)
    console.log(
      `  memory of a ${name} at ten times the size: ${(large / reference).toFixed(2)} x, of the medians`,
    );
}

function tell(name: string, reports: readonly WorkerReport[], pages: number): void {
  const spread = (figureOf: (report: WorkerReport) => number) => spreadOf(reports.map(figureOf));
  const seconds = show(
    spread(report => report.seconds),
    ' s',
  );
  const memory = show(
    spread(report => report.memoryGrowthMb),
    ' MiB',
    1,
  );
  const most = {
    messages: spread(report => report.messages).max,
    reading: spread(report => report.readQueries).max,
    statements: spread(report => report.totalQueries).max,
  };
  console.log(
    `  ${name}: ${most.messages} messages in ${seconds}, memory +${memory}; ` +
      `${most.reading} reading and ${most.statements} statements in all, ${(most.statements / pages).toFixed(1)} a page`,
  );
}

/** Each statement, by the driver's own count, over the sizes. */
function tellStatements(counted: ReadonlyMap<string, Record<string, number>>): void {
  console.log('Statements by number of offices');
  const row = (cells: (string | number)[], statement: string): void =>
    console.log(`  ${cells.map(cell => String(cell).padStart(10)).join('')}  ${statement}`);
  const columns = [...counted.values()];
  row([...counted.keys()], 'statement');
  for (const statement of new Set(columns.flatMap(Object.keys)))
    row(
      columns.map(statements => statements[statement] ?? 0),
      statement,
    );
}

async function forget(sql: Sql): Promise<void> {
  await sql`truncate muster.notification_ledger, muster.notification_deliveries`;
  await sql`checkpoint`;
}

async function benchEmail(sql: Sql, url: string, sink: Sink, offices: number, rounds: number): Promise<void> {
  await activate(sql, offices);
  const { smtpUrl } = sink;
  const messages = offices * staffPerOffice;
  console.log(`E-mail: ${messages} messages, ${connections} connections, ${rounds} rounds by turns`);
  const ours: number[] = [];
  const bare: number[] = [];
  await sendBare(smtpUrl, Math.min(500, messages)); // not counted: the sink's code is compiled
  for (let round = 1; round <= rounds; round++) {
    await forget(sql);
    const before = await sink.taken();
    const report = await inOwnProcess(url, { dryRun: false, smtpUrl, channels: ['email'] });
    const taken = (await sink.taken()) - before - report.warmUp;
    const [ledger] = await sql<{ sent: number }[]>`
      select count(*)::int as sent from muster.notification_deliveries where status = 'sent'`;
    const bareSeconds = await sendBare(smtpUrl, messages);
    ours.push(report.messages / report.seconds);
    bare.push(messages / bareSeconds);
    console.log(
      `  round ${round}: Muster ${report.seconds.toFixed(2)} s, bare pool ${bareSeconds.toFixed(2)} s; ` +
        `sink ${taken}, ledger ${(ledger?.sent ?? 0) - report.warmUp}, result ${report.messages}; ${report.totalQueries} statements`,
    );
  }
  const ratios = ours.map((rate, round) => rate / (bare[round] ?? Number.NaN));
  console.log(`Muster       ${show(spreadOf(ours), ' messages/s', 0)}`);
  console.log(`bare pool    ${show(spreadOf(bare), ' messages/s', 0)}`);
  console.log(`ratio Muster / bare pool  ${show(spreadOf(ratios))}`);
}

async function inOwnProcess(url: string, options: WorkerOptions): Promise<WorkerReport> {
  const child = fork(
    join(import.meta.dirname, 'main.ts'),
    ['deadline-notifications', 'worker', url, JSON.stringify(options)],
    {
      execArgv: workerHeap(loadConfig({}).WORKER_HEAP_MB), // as `npm start` has it
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  const [report] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`The worker ended with ${code}`))),
  ]);
  return workerReport.parse(report);
}

async function reportAlone([url = '', options = '']: string[]): Promise<void> {
  process.send?.(await runAlone(url, JSON.parse(options)));
}

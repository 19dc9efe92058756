import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { type Executor, openDatabase } from '../postgres/db.ts';

/**
 * A process whose connections are lost in the middle of transactions, for a test that looks whether it survives
 * (db.int.test.ts). Each transaction writes both parts of a pair, with one of the `ways` between them.
 */
export interface Orders {
  url: string;
  transactions: number;
}

/** The pairs whose transactions resolved, and of those that rejected how many had which code. */
export interface Report {
  committed: number[];
  rejected: Record<string, number>;
}

/** Twice the connections: somebody always waits to take over one that is opened anew. */
const atOnce = 16;
const orders: Orders = JSON.parse(process.argv[2] ?? '{}');
const database = openDatabase(orders.url, { name: 'cut off', maxConnections: atOnce / 2 });
const admin = openDatabase(orders.url, { name: 'cutter', maxConnections: atOnce / 2 });

/** Cuts that no transaction waits for. */
const cutting: Promise<void>[] = [];

type Way = (tx: Executor, cut: () => Promise<void>) => Promise<void>;

const ways: Way[] = [
  async function notAtAll() {},
  async function betweenStatements(_tx, cut) {
    await cut();
  },
  async function longBefore(_tx, cut) {
    await cut();
    await delay(20); // the connection is another transaction's by then
  },
  async function unnoticed(tx, cut) {
    await cut();
    await delay(20);
    await tx.execute(sql`select 1`).catch(() => {});
  },
  async function duringAStatement(tx, cut) {
    await Promise.all([sleepLong(tx), cut()]);
  },
  async function withStatementsInLine(tx, cut) {
    const all = await Promise.allSettled([sleepLong(tx), sleepLong(tx), sleepLong(tx), cut()]);
    for (const one of all) if (one.status === 'rejected') throw one.reason;
  },
  async function whileGoingOn(_tx, cut) {
    cutting.push(cut());
  },
];

const sleepLong = (tx: Executor) => tx.execute(sql`select pg_sleep(60)`);

async function writePair(id: number): Promise<void> {
  const way = ways[id % ways.length];
  await database.db.transaction(async tx => {
    await tx.execute(sql`insert into pairs (id, part) values (${id}, 1)`);
    const [row] = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    await way?.(tx, () => endBackend(row?.pid ?? 0));
    await tx.execute(sql`insert into pairs (id, part) values (${id}, 2)`);
  });
}

/** Asks again and again: the server's own waiting looks at every tenth of a second only. */
async function endBackend(pid: number): Promise<void> {
  await admin.db.execute(sql`select pg_terminate_backend(${pid})`);
  const alive = sql`select from pg_stat_activity where pid = ${pid}`;
  while ((await admin.db.execute(alive)).length > 0) await delay(1);
}

async function writePairs(count: number): Promise<Report> {
  const report: Report = { committed: [], rejected: {} };
  let next = 0;
  async function writer(): Promise<void> {
    while (next < count) {
      const id = next++;
      const code = await writePair(id).then(() => undefined, codeOf);
      if (code === undefined) report.committed.push(id);
      else report.rejected[code] = (report.rejected[code] ?? 0) + 1;
    }
  }
  await Promise.all(Array.from({ length: atOnce }, writer));
  return report;
}

function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause) return String(cause.code);
  }
  return String(error);
}

const report = await writePairs(orders.transactions);
await Promise.all(cutting);
await Promise.all([database.stop(), admin.stop()]);
process.send?.(report);

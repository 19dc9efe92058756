import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testDatabases } from '../../../test/fixtures/database.ts';
import type { Orders, Report } from '../testing/cut-off-transactions.ts';

const databases = testDatabases();

/** In a process of its own, which an error that nobody catches would end. */
async function writePairs(transactions: number): Promise<Report> {
  const script = fileURLToPath(new URL('../testing/cut-off-transactions.ts', import.meta.url));
  const orders: Orders = { url: databases.platformUrl, transactions };
  const child = spawn(process.execPath, [script, JSON.stringify(orders)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const reported = once(child, 'message');
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`The process did not survive: exit ${code}`);
  const [report] = await reported;
  return report;
}

test('hundreds of connections lost within transactions end those transactions, and nothing else', async () => {
  const { sql } = databases.platform;
  await sql`create table pairs (id int, part int, primary key (id, part))`;
  const { committed, rejected } = await writePairs(420);

  const codes = ['CONNECTION_CLOSED', 'ECONNRESET', 'EPIPE', '57P01'];
  expect(codes).toEqual(expect.arrayContaining(Object.keys(rejected)));
  const lost = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  expect(lost).toBeGreaterThan(300);
  expect(committed.length + lost).toBe(420);

  const halves = await sql`select id from pairs group by id having count(*) <> 2`;
  expect(halves).toEqual([]); // nothing was written by a transaction that had ended
  const missing =
    await sql`select id from unnest(${committed}::int[]) as id where id not in (select id from pairs)`;
  expect(missing).toEqual([]);
});

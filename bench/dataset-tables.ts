import { z } from 'zod';
import { datasetTables } from '../shared/contracts/datasets.ts';
import type { CopyConnection } from '../shared/platform/postgres/copy-connection.ts';

/** What the benchmark of datasets does to the tables by itself, beside Muster. */

/** One digest over the rows of all tables, in their binary form: nothing that a restore makes use of. */
export async function digest(copy: CopyConnection): Promise<string> {
  const ofTable = (table: string) =>
    `(select md5(string_agg(md5(record_send(t)), '' order by md5(record_send(t)))) from ${table} t)`;
  const [found] = await copy.query(
    z.object({ digest: z.string() }),
    `select concat_ws('/', ${datasetTables.map(ofTable).join(', ')}) as digest`,
  );
  return found?.digest ?? '';
}

export async function empty(copy: CopyConnection): Promise<void> {
  await copy.run(`truncate ${datasetTables.join(', ')}, push_subscriptions`);
  await copy.run('checkpoint');
}

/** Leaves no such row as it was, and no dead ones. */
export async function change(copy: CopyConnection, which = 'true'): Promise<void> {
  for (const table of datasetTables)
    await copy.run(`update ${table} t set updated_at = now() where ${which}`);
  await copy.run(`vacuum ${datasetTables.join(', ')}`);
}

/** The rows are read before the clock starts, and come from memory. */
export async function copyPlainly(copy: CopyConnection): Promise<number> {
  const rows = new Map<string, Buffer[]>();
  for (const table of datasetTables) {
    const pieces: Buffer[] = [];
    for await (const piece of copy.copyOut(`copy ${table} to stdout`)) pieces.push(piece);
    rows.set(table, pieces);
  }
  await empty(copy);
  const startedAt = performance.now();
  await copy.transaction('begin', async () => {
    for (const [table, pieces] of rows) await copy.copyIn(`copy ${table} from stdin`, each(pieces));
  });
  return (performance.now() - startedAt) / 1000;
}

async function* each(pieces: Buffer[]): AsyncGenerator<Buffer> {
  yield Buffer.concat(pieces);
}

import { z } from 'zod';
import type { SnapshotManifest } from '../../contracts/snapshots.ts';
import { AppError } from '../../kernel/errors.ts';
import { secondsSince, sleep } from '../../kernel/time.ts';
import type { BundleStore } from '../../platform/bundles.ts';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import type { Progress } from '../../platform/queue/contract.ts';
import { testDataLock } from '../test-data-lock.ts';
import { digestAll, readManifest } from './snapshot-files.ts';
import {
  type Found,
  loadTable,
  lookAtTables,
  moveStaged,
  openFiles,
  type Plan,
  planRestore,
  removeRows,
  verifyRows,
} from './snapshot-load.ts';
import { type Merged, mergeStage } from './snapshot-merge.ts';
import {
  assertNoCascade,
  assertReferences,
  leaveTriggersOut,
  listReferences,
} from './snapshot-references.ts';
import { raiseSequences } from './snapshot-sequences.ts';
import {
  assertNoInheritance,
  assertSameSchema,
  findTables,
  identifyDatabase,
  type LiveTable,
  speakExactly,
} from './snapshot-tables.ts';

export interface RestoreRequest {
  name: string;
  /** Remove the test rows that the snapshot's filter names first; false: add to them. */
  cleanExisting: boolean;
  allowOtherDatabase: boolean;
}

export interface RestoreOptions {
  report?: (progress: Progress) => void;
  signal: AbortSignal;
  /** Called in the transaction when nobody else may change test data any more; what it throws ends the restore. */
  whenAlone?: () => Promise<void>;
}

export interface Restored {
  manifest: SnapshotManifest;
  removedRows: number;
  /** Rows that were as they are to be, and were left alone. */
  unchangedRows: number;
  /** Seconds of the transaction, from its begin to its commit, without the wait for another restore. */
  restoreSeconds: number;
}

/**
 * Puts a snapshot's rows back in one transaction: other test rows out, children first; rows in, parents first; then
 * what stands in the tables is read again and must have the digests of the manifest, or nothing of it happened. A table
 * that has the snapshot's rows already is left alone, and so is each row that is there already, if triggers may be left out.
 * Rows that are not test data are never written. Who writes one that refers to a test row waits for the commit only
 * when that row is deleted, or its key is written; a plain role deletes all of them, and the writer is then refused.
 * @throws AppError `not_found`, `snapshot_damaged`, `snapshot_mismatch`, `conflict`
 */
export async function restoreSnapshot(
  connection: CopyConnection,
  store: BundleStore,
  { name, cleanExisting, allowOtherDatabase }: RestoreRequest,
  { report = () => {}, signal, whenAlone = async () => {} }: RestoreOptions,
): Promise<Restored> {
  const manifest = await readManifest(store, name);
  await speakExactly(connection);
  if (!allowOtherDatabase) await assertSameDatabase(connection, manifest);
  let startedAt = performance.now();
  const replaced = await connection.transaction('begin', async () => {
    await claimTestData(connection, { report, signal });
    await limitTime(connection, manifest);
    startedAt = performance.now();
    await whenAlone();
    return replaceRows(connection, store, manifest, { cleanExisting, report });
  });
  return { manifest, ...replaced, restoreSeconds: secondsSince(startedAt) };
}

async function replaceRows(
  connection: CopyConnection,
  store: BundleStore,
  manifest: SnapshotManifest,
  { cleanExisting, report }: { cleanExisting: boolean; report: (progress: Progress) => void },
): Promise<Pick<Restored, 'removedRows' | 'unchangedRows'>> {
  const names = manifest.tables.map(({ name }) => name);
  const tables = await liveTables(connection, manifest);
  const references = await listReferences(connection, names);
  const unchecked = await leaveTriggersOut(connection, references, tables);
  const plan = planRestore(manifest, tables, { stageAll: !cleanExisting, stageCycles: !unchecked });
  if (!unchecked) await assertNoCascade(connection, references, manifest.filter);
  // With triggers, rows that stay would be in the way of the parents that go.
  const whole = { ...nothing, emptied: new Set(cleanExisting ? names : []) };
  const found = cleanExisting && unchecked ? await lookAtTables(connection, plan) : whole;
  const removedRows = await removeRows(connection, plan, found);
  const merged = await loadRows(connection, store, plan, { found, report });
  if (unchecked) await assertReferences(connection, references, { plan, found, merged });
  report({ phase: 'verifying', done: names.length, total: names.length });
  await verifyRows(connection, plan, found);
  await raiseSequences(connection, names, manifest.filter);
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
  const written = [...merged.values()].map(({ deleted, updated }) => deleted + updated);
  const stayed = manifest.tables.map(({ name, rows }) => {
    const { updated, inserted } = merged.get(name) ?? { updated: 0, inserted: rows };
    return found.unchanged.has(name) ? rows : rows - updated - inserted;
  });
  return { removedRows: removedRows + sum(written), unchangedRows: sum(stayed) };
}

const nothing = { unchanged: new Set<string>(), merged: new Set<string>() };

/** Tables that are unchanged have their files checked: a damaged snapshot is refused whatever stands in the tables. */
async function loadRows(
  connection: CopyConnection,
  store: BundleStore,
  plan: Plan,
  { found, report }: { found: Found; report: (progress: Progress) => void },
): Promise<Map<string, Merged>> {
  const total = plan.tables.length;
  const { filter } = plan.manifest;
  const merged = new Map<string, Merged>();
  using files = openFiles(store, plan);
  let done = 0;
  for (const group of plan.groups) {
    report({ phase: 'restoring', done, total });
    for (const table of group) {
      const { live, scratch: stage } = table;
      const isMerged = found.merged.has(live.name);
      const rows = files.rowsOf(table);
      if (found.unchanged.has(live.name)) await keepAwake(connection, digestAll(rows));
      else await loadTable(connection, isMerged ? { ...table, stage } : table, rows);
      if (isMerged) merged.set(live.name, await mergeStage(connection, { live, stage, filter }));
    }
    await moveStaged(
      connection,
      group.filter(({ live }) => !found.merged.has(live.name) && !found.unchanged.has(live.name)),
    );
    done += group.length;
  }
  return merged;
}

const awakeMs = 5000;

/** While a file is only looked at nothing is asked, and the server ends a transaction that is idle for 15 s. */
async function keepAwake<T>(connection: CopyConnection, work: Promise<T>): Promise<T> {
  let asked: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    asked = connection.run('select').catch(() => {}); // the next statement rejects with it
  }, awakeMs);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    await asked;
  }
}

/** The tables as they are now, in the manifest's order. */
async function liveTables(
  connection: CopyConnection,
  { tables, filter }: SnapshotManifest,
): Promise<LiveTable[]> {
  const names = tables.map(({ name }) => name);
  const found = await findTables(connection, names, filter);
  assertNoInheritance(found);
  assertSameSchema(
    tables,
    found.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name)),
  );
  return found;
}

async function assertSameDatabase(
  connection: CopyConnection,
  { name, database }: SnapshotManifest,
): Promise<void> {
  const here = await identifyDatabase(connection);
  if (here === database) return;
  throw new AppError(
    'snapshot_mismatch',
    `The snapshot ${name} is of the database ${database}; this is ${here}`,
    {
      hint: 'Restore it all the same with allow_other_database: true.',
    },
  );
}

/** Ends the transaction in the server if this process freezes: well above what the rows take, from now on. */
async function limitTime(connection: CopyConnection, { tables }: SnapshotManifest): Promise<void> {
  const rows = tables.reduce((total, table) => total + table.rows, 0);
  await connection.run(
    `select set_config('transaction_timeout', $1, true)
     where current_setting('transaction_timeout', true) is not null`, // PostgreSQL has it since 17
    [String(120_000 + rows)],
  );
}

const lockPollMs = 50;

/** Waits until nobody else restores, deletes or generates test data. */
async function claimTestData(
  connection: CopyConnection,
  { report, signal }: Pick<Required<RestoreOptions>, 'report' | 'signal'>,
): Promise<void> {
  const row = z.object({ claimed: z.boolean() });
  for (;;) {
    const [found] = await connection.query(
      row,
      `select pg_try_advisory_xact_lock(${testDataLock}) as claimed`,
    );
    if (found?.claimed === true) return;
    report({ phase: 'waiting for other work on the test data', done: 0, total: 1 });
    await sleep(lockPollMs, signal);
  }
}

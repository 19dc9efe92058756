import { z } from 'zod';
import type { SnapshotManifest, SnapshotTable } from '../contracts/snapshots.ts';
import { AppError } from '../kernel/errors.ts';
import { secondsSince, sleep } from '../kernel/time.ts';
import type { BundleStore } from '../platform/bundles.ts';
import type { CopyConnection } from '../platform/copy-connection.ts';
import type { Progress } from '../platform/queue/contract.ts';
import { digestAll, readManifest, readRows } from './snapshot-files.ts';
import {
  assertNoCascade,
  assertReferences,
  leaveTriggersOut,
  listReferences,
} from './snapshot-references.ts';
import {
  assertSameSchema,
  columnList,
  conditionOf,
  copyOutOf,
  findTables,
  identifyDatabase,
  type LiveTable,
  quote,
  speakExactly,
} from './snapshot-tables.ts';
import { orderTables } from './table-order.ts';
import { testDataLock } from './test-data-lock.ts';

export interface RestoreRequest {
  name: string;
  /** Remove the test rows that the snapshot's filter names first; false: add to them. */
  cleanExisting: boolean;
  allowOtherDatabase: boolean;
}

export interface RestoreOptions {
  report?: (progress: Progress) => void;
  signal: AbortSignal;
}

export interface Restored {
  manifest: SnapshotManifest;
  removedRows: number;
  /** Seconds of the transaction, from its begin to its commit, without the wait for another restore. */
  restoreSeconds: number;
}

/** The tables of a restore, with how each is written. */
interface Plan {
  manifest: SnapshotManifest;
  tables: LiveTable[];
  /** Parents first; see `orderTables`. */
  groups: PlannedTable[][];
}

interface PlannedTable {
  live: LiveTable;
  kept: SnapshotTable;
  /**
   * Rows go into this table first, and from there with others of their group in one statement: for cycles, under
   * row-level security, which COPY cannot write under, and beside rows that stay, where only it can be verified.
   */
  stage: string | undefined;
}

/**
 * Puts a snapshot's rows back in one transaction: other test rows out, children first; rows in, parents first; then
 * what stands in the tables is read again and must have the checksums of the manifest, or nothing of it happened.
 * Rows that are not test data are neither read, written nor waited for.
 * @throws AppError `not_found`, `snapshot_damaged`, `snapshot_mismatch`, `conflict`
 */
export async function restoreSnapshot(
  connection: CopyConnection,
  store: BundleStore,
  { name, cleanExisting, allowOtherDatabase }: RestoreRequest,
  { report = () => {}, signal }: RestoreOptions,
): Promise<Restored> {
  const manifest = await readManifest(store, name);
  await speakExactly(connection);
  if (!allowOtherDatabase) await assertSameDatabase(connection, manifest);
  let startedAt = performance.now();
  const removedRows = await connection.transaction('begin', async () => {
    await limitTime(connection, manifest);
    await claimTestData(connection, { report, signal });
    startedAt = performance.now();
    return replaceRows(connection, store, manifest, { cleanExisting, report });
  });
  return { manifest, removedRows, restoreSeconds: secondsSince(startedAt) };
}

async function replaceRows(
  connection: CopyConnection,
  store: BundleStore,
  manifest: SnapshotManifest,
  { cleanExisting, report }: { cleanExisting: boolean; report: (progress: Progress) => void },
): Promise<number> {
  const names = manifest.tables.map(({ name }) => name);
  const tables = await liveTables(connection, manifest);
  const references = await listReferences(connection, names);
  const unchecked = await leaveTriggersOut(connection);
  const plan = planRestore(manifest, tables, { stageAll: !cleanExisting, stageCycles: !unchecked });
  if (!unchecked) await assertNoCascade(connection, references, manifest.filter);
  const removed = cleanExisting ? await removeRows(connection, plan) : 0;
  let done = 0;
  for (const group of plan.groups) {
    report({ phase: 'restoring', done, total: names.length });
    for (const table of group) await loadTable(connection, store, plan, table);
    await moveStaged(connection, group);
    done += group.length;
  }
  if (unchecked) await assertReferences(connection, references, manifest.filter);
  report({ phase: 'verifying', done, total: names.length });
  for (const table of plan.groups.flat()) await verifyTable(connection, plan, table);
  for (const table of tables) await raiseSequences(connection, table);
  return removed;
}

/** The tables as they are now, in the manifest's order. */
async function liveTables(
  connection: CopyConnection,
  { tables, filter }: SnapshotManifest,
): Promise<LiveTable[]> {
  const names = tables.map(({ name }) => name);
  const found = await findTables(connection, names, filter);
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

/** Ends the transaction in the server if this process freezes: well above what the rows take. */
async function limitTime(connection: CopyConnection, { tables }: SnapshotManifest): Promise<void> {
  const rows = tables.reduce((total, table) => total + table.rows, 0);
  await connection.run(
    "select set_config(name, $1, true) from pg_settings where name = 'transaction_timeout'",
    [String(120_000 + rows)],
  );
}

const lockPollMs = 50;

/** Waits until nobody else restores, deletes or generates test data. */
async function claimTestData(
  connection: CopyConnection,
  { report, signal }: Required<RestoreOptions>,
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

function planRestore(
  manifest: SnapshotManifest,
  tables: LiveTable[],
  { stageAll, stageCycles }: { stageAll: boolean; stageCycles: boolean },
): Plan {
  const nodes = tables.map(({ name, foreign_keys }) => ({
    name,
    references: foreign_keys.map(key => key.references),
  }));
  const groups = orderTables(nodes).map(group =>
    manifest.tables.flatMap((kept, index): PlannedTable[] => {
      const live = tables.find(({ name }) => name === kept.name);
      if (live === undefined || !group.includes(kept.name)) return [];
      const isStaged = stageAll || live.row_security || (stageCycles && group.length > 1);
      return [{ live, kept, stage: isStaged ? `pg_temp.stage_${index + 1}` : undefined }];
    }),
  );
  return { manifest, tables, groups };
}

/** Deletes the rows that the snapshot replaces; a cycle of tables in one statement, after which all of them are gone. */
async function removeRows(
  connection: CopyConnection,
  { groups, manifest: { filter } }: Plan,
): Promise<number> {
  const row = z.object({ removed: z.coerce.number() });
  let removed = 0;
  for (const group of groups.toReversed()) {
    const parts = group.map(
      ({ live }, index) =>
        `gone_${index} as (delete from ${live.name} t where ${conditionOf(filter, 't')} returning 1)`,
    );
    const counts = group.map((_, index) => `(select count(*) from gone_${index})`);
    const [found] = await connection.query(
      row,
      `with ${parts.join(', ')} select ${counts.join(' + ')} as removed`,
    );
    removed += found?.removed ?? 0;
  }
  return removed;
}

async function loadTable(
  connection: CopyConnection,
  store: BundleStore,
  { manifest }: Plan,
  { live, kept, stage }: PlannedTable,
): Promise<void> {
  if (stage !== undefined) {
    const columns = columnList(live);
    await connection.run(
      `create temp table ${stage.replace('pg_temp.', '')} on commit drop as select ${columns} from ${live.name} limit 0`,
    );
  }
  await connection.copyIn(
    `copy ${stage ?? live.name} (${columnList(live)}) from stdin`,
    readRows(store, manifest, kept),
  );
}

/** One statement for a whole group: PostgreSQL looks references up at its end, when all of the rows are there. */
async function moveStaged(connection: CopyConnection, group: readonly PlannedTable[]): Promise<void> {
  const staged = group.flatMap(({ live, stage }) => (stage === undefined ? [] : [{ live, stage }]));
  if (staged.length === 0) return;
  const parts = staged.map(({ live, stage }, index) => {
    const columns = columnList(live);
    return `new_${index} as (insert into ${live.name} (${columns}) overriding system value select ${columns} from ${stage})`;
  });
  await connection.run(`with ${parts.join(', ')} select`);
}

async function verifyTable(
  connection: CopyConnection,
  { manifest }: Plan,
  { live, kept, stage }: PlannedTable,
): Promise<void> {
  const isBesideOthers = stage !== undefined && !live.row_security;
  const statement = copyOutOf(live, manifest.filter, isBesideOthers ? stage : live.name);
  const { checksum } = await digestAll(connection.copyOut(statement));
  if (checksum === kept.checksum) return;
  throw new AppError('conflict', `Nothing was restored: the rows of ${kept.name} came out different`, {
    hint: 'Somebody wrote test rows at the same time, or a trigger of the table changes what is inserted.',
  });
}

/**
 * Raises sequences above the rows that were put back, never lowers one: production rows use them too. This is the one
 * thing that a rollback does not undo, and it harms nobody: numbers are skipped.
 */
async function raiseSequences(connection: CopyConnection, { name, sequences }: LiveTable): Promise<void> {
  for (const { column, sequence } of sequences) {
    await connection.run(
      `select setval($1::regclass, highest) from (select max(${quote(column)}) as highest from ${name}) t
       where highest > coalesce(pg_sequence_last_value($1::regclass), 0)`,
      [sequence],
    );
  }
}

import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { SnapshotManifest, SnapshotTable } from '../../contracts/snapshots.ts';
import { AppError } from '../../kernel/errors.ts';
import type { BundleStore } from '../../platform/bundles.ts';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import { type DigestSource, digestRows, rowsOf } from './snapshot-digests.ts';
import { digestAll, encodingOf, readAhead, readRows } from './snapshot-files.ts';
import { columnList, conditionOf, copyOutOf, type LiveTable } from './snapshot-tables.ts';
import { orderTables } from './table-order.ts';

/** The steps of a restore on its tables: plan, compare, remove, load, move or merge, verify. `snapshot-restore.ts` puts them together. */
export interface Plan {
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
  /** A temporary table that nobody else has. */
  scratch: string;
}

/** What stands in the tables before a restore, by their names. Tables in none of these sets have no test rows. */
export interface Found {
  /** Has the snapshot's rows already, and no other test row. */
  unchanged: ReadonlySet<string>;
  /** Has other test rows, and a key by which they are told apart. */
  merged: ReadonlySet<string>;
  /** Has other test rows, all of which go first. */
  emptied: ReadonlySet<string>;
}

export function planRestore(
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
      const scratch = `pg_temp.stage_${index + 1}`;
      return [{ live, kept, scratch, stage: isStaged ? scratch : undefined }];
    }),
  );
  return { manifest, tables, groups };
}

export async function lookAtTables(connection: CopyConnection, { groups, manifest }: Plan): Promise<Found> {
  const tables = groups.flat();
  const sources = tables.map(({ live }) => ({ table: live, from: live.name }));
  const digests = await digestRows(connection, sources, manifest.filter);
  const states = tables.map(({ live, kept }, index) => {
    if (digests[index] === kept.row_digest) return 'unchanged';
    if (rowsOf(digests[index] ?? '') === 0) return 'empty';
    return isKeyed(live) ? 'merged' : 'emptied';
  });
  const those = (state: string) =>
    new Set(tables.filter((_, index) => states[index] === state).map(({ kept }) => kept.name));
  return { unchanged: those('unchanged'), merged: those('merged'), emptied: those('emptied') };
}

function isKeyed({ columns, primary_key }: LiveTable): boolean {
  const names = new Set(columns.map(({ name }) => name)); // without computed ones
  return (
    primary_key.length > 0 && primary_key.length < names.size && primary_key.every(key => names.has(key))
  );
}

/** Deletes the rows that the snapshot replaces, in one statement: references are looked at when all of them are gone. */
export async function removeRows(
  connection: CopyConnection,
  { groups, manifest: { filter } }: Plan,
  { emptied }: Found,
): Promise<number> {
  const tables = groups
    .flat()
    .filter(({ kept }) => emptied.has(kept.name))
    .toReversed(); // children first
  if (tables.length === 0) return 0;
  const parts = tables.map(
    ({ live }, index) =>
      `gone_${index} as (delete from ${live.name} t where ${conditionOf(filter, 't')} returning 1)`,
  );
  const counts = tables.map((_, index) => `(select count(*) from gone_${index})`);
  const statement = `with ${parts.join(', ')} select ${counts.join(' + ')} as removed`;
  const [found] = await connection.query(z.object({ removed: z.coerce.number() }), statement);
  return found?.removed ?? 0;
}

/** The rows of a plan's tables, asked for in its order: while the database takes one's, the next one's are read ahead. */
export function openFiles(store: BundleStore, { manifest, groups }: Plan) {
  const order = groups.flat();
  const opened = new Map<PlannedTable, Readable>();
  const open = (table: PlannedTable): Readable => {
    const rows = opened.get(table) ?? readAhead(readRows(store, manifest, table.kept));
    opened.set(table, rows);
    return rows;
  };
  return {
    /** @throws AppError `snapshot_damaged`, where the rows are read */
    rowsOf(table: PlannedTable): Readable {
      const rows = open(table);
      const next = order[order.indexOf(table) + 1];
      if (next !== undefined) open(next);
      return rows;
    },
    [Symbol.dispose](): void {
      for (const rows of opened.values()) rows.destroy();
    },
  };
}

export async function loadTable(
  connection: CopyConnection,
  { live, kept, stage }: Pick<PlannedTable, 'live' | 'kept' | 'stage'>,
  rows: AsyncIterable<Buffer>,
): Promise<void> {
  if (stage !== undefined) {
    const columns = columnList(live);
    await connection.run(
      `create temp table ${stage.replace('pg_temp.', '')} on commit drop as select ${columns} from ${live.name} limit 0`,
    );
  }
  await connection.copyIn(
    `copy ${stage ?? live.name} (${columnList(live)}) from stdin (format ${encodingOf(kept)})`,
    rows,
  );
}

/** One statement for a whole group: PostgreSQL looks references up at its end, when all of the rows are there. */
export async function moveStaged(connection: CopyConnection, group: readonly PlannedTable[]): Promise<void> {
  const staged = group.flatMap(({ live, stage }) => (stage === undefined ? [] : [{ live, stage }]));
  if (staged.length === 0) return;
  const parts = staged.map(({ live, stage }, index) => {
    const columns = columnList(live);
    return `new_${index} as (insert into ${live.name} (${columns}) overriding system value select ${columns} from ${stage})`;
  });
  await connection.run(`with ${parts.join(', ')} select`);
}

/**
 * Looks at what stands in the tables now: by the digests that the database makes, and where one differs, or the snapshot
 * has none, by the rows themselves.
 * @throws AppError `conflict`
 */
export async function verifyRows(
  connection: CopyConnection,
  { groups, manifest }: Plan,
  { unchanged }: Found,
): Promise<void> {
  const tables = groups.flat().filter(({ kept }) => !unchanged.has(kept.name)); // of those the digests are known
  const sources = tables.map(({ live, stage }) => ({
    table: live,
    from: stage !== undefined && !live.row_security ? stage : live.name, // the stage, beside rows that stayed
  }));
  const digests = await digestRows(connection, sources, manifest.filter);
  for (const [index, { kept }] of tables.entries()) {
    const source = sources[index];
    if (source !== undefined && digests[index] !== kept.row_digest)
      await verifyBytes(connection, manifest, source, kept);
  }
}

async function verifyBytes(
  connection: CopyConnection,
  { filter }: SnapshotManifest,
  source: DigestSource,
  kept: SnapshotTable,
): Promise<void> {
  const statement = copyOutOf(source, filter, encodingOf(kept));
  const { checksum } = await digestAll(connection.copyOut(statement));
  if (checksum === kept.checksum) return;
  throw new AppError('conflict', `Nothing was restored: the rows of ${kept.name} came out different`, {
    hint: 'Somebody wrote test rows at the same time, or a trigger of the table changes what is inserted.',
  });
}

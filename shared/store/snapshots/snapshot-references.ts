import { z } from 'zod';
import { shortName } from '../../contracts/snapshots.ts';
import { AppError } from '../../kernel/errors.ts';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import { columnNames } from '../column-names.ts';
import type { Found, Plan } from './snapshot-load.ts';
import type { Merged } from './snapshot-merge.ts';
import { conditionOf, type LiveTable, quote, type RowFilter } from './snapshot-tables.ts';

/**
 * Foreign keys of a restore. PostgreSQL looks each row's reference up by a trigger, one by one, which takes longer than
 * to write the rows; a role that may set `session_replication_role` (a superuser, or one that was granted it) lets the
 * restore leave the triggers out and look at all rows of a foreign key at once. That also keeps `on delete cascade`
 * from taking production rows along, and the application's own triggers from changing what is put back.
 */
const reference = z.object({
  name: z.string(),
  child: z.string(),
  columns: z.array(z.string()),
  parent: z.string(),
  parent_columns: z.array(z.string()),
  /** By what PostgreSQL compares a parent's column with its child's, such as `operator(public.=)`. */
  operators: z.array(z.string()),
  /** One join tells of all rows whether they have their parents. Not so of keys that are not valid yet, of periods, or of one partition. */
  is_plain: z.boolean(),
  /** The child is a table of the snapshot, or a partition of one; so may the parent be. */
  from_snapshot: z.boolean(),
  to_snapshot: z.boolean(),
  /** Whether the key refers to the parent's primary key, which no restore changes. */
  to_primary_key: z.boolean(),
  /** Whether deleting the parent changes its children, instead of being refused. */
  cascades: z.boolean(),
});
type Reference = z.output<typeof reference>;

/** A place in a list of references that lead nowhere. */
const orphan = z.object({ place: z.number() });

/** Every foreign key from or to these tables. */
export function listReferences(connection: CopyConnection, tables: readonly string[]): Promise<Reference[]> {
  return connection.query(reference, referencesQuery, [tables]);
}

/** Of each table, the foreign keys by which its rows refer to rows that the filter takes as well, and to no other. */
export async function closedKeys(
  connection: CopyConnection,
  tables: readonly string[],
  filter: RowFilter,
): Promise<Map<string, string[]>> {
  const references = await listReferences(connection, tables);
  const inside = references.filter(key => key.is_plain && key.from_snapshot && key.to_snapshot);
  const leading = inside.map((key, place) => orphansOf(key, { child: filter, parent: filter }, place));
  const open = await connection.query(orphan, leading.join(' union all ') || 'select where false');
  const places = new Set(open.map(({ place }) => place));
  const closed = inside.filter((_, place) => !places.has(place));
  return new Map(
    tables.map(table => [table, closed.filter(({ child }) => child === table).map(({ name }) => name)]),
  );
}

/**
 * Only where all that they look after can be looked at here: foreign keys by one join each, and nothing else.
 * @returns whether triggers are left out until the transaction ends
 */
export async function leaveTriggersOut(
  connection: CopyConnection,
  references: readonly Reference[],
  tables: readonly LiveTable[],
): Promise<boolean> {
  if (references.some(key => !key.is_plain) || tables.some(table => table.deferrable_keys)) return false;
  const set = await connection.run(`
    select set_config('session_replication_role', 'replica', true)
    where has_parameter_privilege('session_replication_role', 'set')`);
  return set > 0;
}

/**
 * With triggers, before anything is deleted: refuses when a row that stays would go or change with one that is deleted.
 * The tables of such rows are locked against writing, so that none comes in between.
 */
export async function assertNoCascade(
  connection: CopyConnection,
  references: readonly Reference[],
  filter: RowFilter,
): Promise<void> {
  for (const { child, parent, name, ...key } of references.filter(
    ({ cascades, to_snapshot }) => cascades && to_snapshot,
  )) {
    await connection.run(`lock table ${child} in share row exclusive mode`);
    const stays = key.from_snapshot ? `(${conditionOf(filter, 'c')}) is not true` : 'true';
    const found = await connection.run(`
      select from ${child} c join ${parent} p on ${joinOf(key)}
      where ${conditionOf(filter, 'p')} and ${stays} limit 1`);
    if (found > 0) throw refused(`${shortName(child)} has rows that would go with theirs (${name})`);
  }
}

/**
 * Without triggers, at the end: every reference must lead somewhere, of the rows put back and, where keys were deleted, of
 * whatever row may have pointed at them. Parents that were there before are held, as the triggers would, until the commit.
 */
export async function assertReferences(
  connection: CopyConnection,
  all: readonly Reference[],
  restoring: Restoring,
): Promise<void> {
  const checked = all
    .map(key => ({ key, lost: hasLostKeys(key.parent, all, restoring) }))
    .filter(({ key, lost }) => lost || (isWritten(key, restoring) && !isProved(key, restoring)));
  if (checked.length === 0) return;
  const written = checked.map(({ key }) => key).filter(key => isWritten(key, restoring));
  await holdParents(connection, written, restoring);
  const { filter } = restoring.plan.manifest;
  const orphans = checked.map(({ key, lost }, place) =>
    orphansOf(key, { child: lost ? undefined : filter }, place),
  );
  const [first] = await connection.query(orphan, `select * from (${orphans.join(' union all ')}) t limit 1`);
  const orphaned = checked[first?.place ?? -1]?.key;
  if (orphaned === undefined) return;
  const { child, parent, name } = orphaned;
  throw refused(`${shortName(child)} has rows whose ${shortName(parent)} would be missing (${name})`);
}

async function holdParents(
  connection: CopyConnection,
  keys: readonly Reference[],
  restoring: Restoring,
): Promise<void> {
  if (keys.length === 0) return;
  const names = keys.map((_, index) => `held_${index}`);
  const holds = keys.map((key, index) => `held_${index} as (${parentsThatStay(key, restoring)})`);
  const counts = names.map(name => `(select count(*) from ${name})`);
  await connection.run(`with ${holds.join(', ')} select ${counts.join(' + ')}`);
}

interface Restoring {
  plan: Plan;
  found: Found;
  merged: ReadonlyMap<string, Merged>;
}

const isWritten = ({ from_snapshot, child }: Reference, { found }: Restoring): boolean =>
  from_snapshot && !found.unchanged.has(child);

/** In the snapshot all children have their parents, and what stands of both after the restore is digested as a whole. */
const isProved = ({ name, child, parent }: Reference, restoring: Restoring): boolean => {
  const { tables } = restoring.plan.manifest;
  const isClosed = tables.some(table => table.name === child && table.closed_keys?.includes(name));
  return isClosed && !isStaged(child, restoring) && !mayKeepRows(parent, restoring);
};

/** Whether test rows that were there before are in it still. */
const mayKeepRows = (table: string, restoring: Restoring): boolean =>
  restoring.found.unchanged.has(table) || restoring.found.merged.has(table) || isStaged(table, restoring);

const isStaged = (table: string, { plan }: Restoring): boolean =>
  plan.groups.flat().some(({ live, stage }) => live.name === table && stage !== undefined);

/** Whether a row may be without its parent now: into tables that had no test rows nothing was deleted. */
function hasLostKeys(
  parent: string,
  references: readonly Reference[],
  { found, merged }: Restoring,
): boolean {
  const { deleted, updated } = merged.get(parent) ?? { deleted: 0, updated: 0 };
  const isByOther = references.some(key => key.parent === parent && !key.to_primary_key);
  return found.emptied.has(parent) || deleted > 0 || (updated > 0 && isByOther);
}

/** Of the rows that this transaction wrote: their `xmin` is its number or, after a savepoint, a later one. */
function parentsThatStay(key: Reference, restoring: Restoring): string {
  const { filter } = restoring.plan.manifest;
  const isNew = key.to_snapshot && !mayKeepRows(key.parent, restoring);
  const stayed = isNew ? `(${conditionOf(filter, 'p')}) is not true` : 'true';
  return `select 1 from ${key.parent} p where ${stayed} and exists (
    select from ${key.child} c where ${conditionOf(filter, 'c')} and age(c.xmin) <= 0 and ${joinOf(key)}) for key share`;
}

/** The child's rows, of those that the filter takes or of all, whose parent is missing. */
function orphansOf(
  key: Reference,
  { child, parent }: { child?: RowFilter | undefined; parent?: RowFilter },
  place: number,
): string {
  const present = key.columns.map(column => `c.${quote(column)} is not null`);
  const own = child === undefined ? [] : [conditionOf(child, 'c')];
  const theirs = parent === undefined ? [] : [conditionOf(parent, 'p')];
  return `(select ${place} as place from ${key.child} c where ${[...own, ...present].join(' and ')}
    and not exists (select from ${key.parent} p where ${[joinOf(key), ...theirs].join(' and ')}) limit 1)`;
}

const joinOf = ({
  columns,
  parent_columns,
  operators,
}: Pick<Reference, 'columns' | 'parent_columns' | 'operators'>): string =>
  columns
    .map((column, index) => `p.${quote(parent_columns[index] ?? '')} ${operators[index]} c.${quote(column)}`)
    .join(' and ');

const refused = (what: string): AppError =>
  new AppError('conflict', `Nothing was restored: ${what}`, {
    hint: 'Rows that are not test data, or not of this snapshot, refer to rows that it replaces. Remove those first.',
  });

/**
 * $1: the tables' names. A key that is not enforced promises nothing; one that is not valid yet is enforced all the same, for
 * rows that are written and for parents that go. Where two columns have two collations, PostgreSQL takes the parent's.
 */
const referencesQuery = `
  with tables as (
    select c.oid, format('%I.%I', nspname, relname) as name, relispartition,
      (select format('%I.%I', rn.nspname, r.relname) from pg_class r join pg_namespace rn on rn.oid = r.relnamespace
        where r.oid = case when c.relispartition then pg_partition_root(c.oid) else c.oid end) = any ($1) as in_snapshot
    from pg_class c join pg_namespace n on n.oid = relnamespace where relkind in ('r', 'p')
  )
  select conname as name, child.name as child, parent.name as parent, confdeltype in ('c', 'n', 'd') as cascades,
    child.in_snapshot as from_snapshot,
    exists (select from pg_constraint k where k.conrelid = confrelid and k.contype = 'p' and k.conkey @> f.confkey)
      as to_primary_key, parent.in_snapshot as to_snapshot,
    ${columnNames('conrelid', 'conkey')} as columns, ${columnNames('confrelid', 'confkey')} as parent_columns,
    array(select case when pc.attcollation <> cc.attcollation then format('collate %I.%I ', cn.nspname, collname)
          else '' end || format('operator(%I.%s)', on_.nspname, oprname)
      from unnest(conpfeqop, conkey, confkey) with ordinality as k (operator, child_number, parent_number, place)
      join pg_operator o on o.oid = operator join pg_namespace on_ on on_.oid = oprnamespace
      join pg_attribute cc on cc.attrelid = conrelid and cc.attnum = child_number
      join pg_attribute pc on pc.attrelid = confrelid and pc.attnum = parent_number
      left join pg_collation co on co.oid = pc.attcollation left join pg_namespace cn on cn.oid = collnamespace
      order by place) as operators,
    convalidated and not coalesce((to_jsonb(f) ->> 'conperiod')::boolean, false)
      and not child.relispartition and not parent.relispartition as is_plain
  from pg_constraint f
  join tables child on child.oid = conrelid
  join tables parent on parent.oid = confrelid
  where contype = 'f' and conparentid = 0 and coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
    and (child.in_snapshot or parent.in_snapshot)
  order by 1, 2`;

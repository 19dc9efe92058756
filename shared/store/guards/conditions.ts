import type { GuardedTable, GuardGraph, Reference } from './graph.ts';

/**
 * When a row is a test user's, as SQL. A child's row is, when it refers to somebody and everybody to whom it refers is a
 * test user: an order of nobody is production, and so is a message from a test user to a production user.
 */
export interface Conditions {
  /** For policies: true only where every parent is there and is a test user's. */
  isTest(table: GuardedTable, alias: string): string;
  /**
   * For triggers: true where the row belongs to nobody, or to production. A parent that is not there does not make it so:
   * it goes in the same transaction, by a cascade, and its own guard let it.
   */
  isProduction(table: GuardedTable, alias: string): string;
  /** True where the row refers to production, whatever else it refers to. */
  refersToProduction(table: GuardedTable, alias: string): string;
  /**
   * Statements of PL/pgSQL that lock what stands between the row and the users, nearest first, so that nobody gives it to another user
   * before the transaction ends. Users need no lock: their markers stay as they are.
   */
  lockParents(table: GuardedTable, alias: string): string[];
}

export function guardConditions({ isTest: marker, tables }: GuardGraph): Conditions {
  const byName = new Map(tables.map(table => [table.name, table]));

  function parentOf({ parent: name }: Reference): GuardedTable {
    const parent = byName.get(name);
    if (parent === undefined) throw new Error(`${name} is not in the graph`);
    return parent;
  }

  function parentWhere(
    reference: Reference,
    alias: string,
    condition: (parent: GuardedTable, alias: string) => string,
  ): string {
    const parent = parentOf(reference);
    const inner = innerAlias(alias);
    return `exists (select from ${parent.name} ${inner} where ${joinOf(reference, inner, alias)} and ${condition(parent, inner)})`;
  }

  function isTest({ references }: GuardedTable, alias: string): string {
    if (references.length === 0) return `${alias}.${marker}`;
    const [only] = references;
    if (only !== undefined && references.length === 1) return parentWhere(only, alias, isTest);
    const each = references.map(
      reference => `(${refersNowhere([reference], alias)} or ${parentWhere(reference, alias, isTest)})`,
    );
    return `(not (${refersNowhere(references, alias)}) and ${each.join(' and ')})`;
  }

  function isProduction(table: GuardedTable, alias: string): string {
    if (table.references.length === 0) return `${alias}.${marker} is not true`;
    return `(${refersNowhere(table.references, alias)} or ${refersToProduction(table, alias)})`;
  }

  function refersToProduction({ references }: GuardedTable, alias: string): string {
    const each = references.map(reference => parentWhere(reference, alias, isProduction));
    return each.length === 1 ? each.join() : `(${each.join(' or ')})`;
  }

  function lockParents({ references }: GuardedTable, alias: string, path: Path = noPath): string[] {
    return references.flatMap(reference => {
      const parent = parentOf(reference);
      if (parent.references.length === 0) return [];
      const inner = innerAlias(alias);
      const from = [...path.from, `${parent.name} ${inner}`];
      const where = [...path.where, joinOf(reference, inner, alias)];
      const lock = `perform from ${from.join(', ')} where ${where.join(' and ')} for share of ${inner}`;
      return [lock, ...lockParents(parent, inner, { from, where })];
    });
  }

  return {
    isTest,
    isProduction,
    refersToProduction,
    lockParents: (table, alias) => lockParents(table, alias),
  };
}

/** Tables on the way up, and how they are joined. */
interface Path {
  from: string[];
  where: string[];
}
const noPath: Path = { from: [], where: [] };

const joinOf = ({ columns, parentColumns, operators }: Reference, parent: string, child: string): string =>
  columns
    .map((column, i) => `${parent}.${parentColumns[i]} ${operators[i]} ${child}.${column}`)
    .join(' and ');

/** A foreign key with a null in it refers to nothing. */
function refersNowhere(references: Reference[], alias: string): string {
  const each = references.map(({ columns }) => columns.map(column => `${alias}.${column} is null`));
  return each.map(nulls => (nulls.length === 1 ? nulls.join() : `(${nulls.join(' or ')})`)).join(' and ');
}

/** Another one on each level, so that no inner name hides an outer one. */
const innerAlias = (alias: string): string =>
  /^p\d+$/.test(alias) ? `p${Number(alias.slice(1)) + 1}` : 'p1';

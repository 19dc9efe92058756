/** A table and those that its foreign keys point at. */
export interface TableNode {
  name: string;
  references: readonly string[];
}

/**
 * The tables in groups, parents first: a group of several is a cycle, whose rows must come and go in one statement.
 * References to a table itself, and to tables that are not among these, do not count. (Tarjan's algorithm: it finds a
 * group when all that the group points at is found.)
 */
export function orderTables(tables: readonly TableNode[]): string[][] {
  const byName = new Map(tables.map(table => [table.name, table]));
  const seenAs = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const groups: string[][] = [];

  function visit({ name, references }: TableNode): number {
    const number = seenAs.size;
    seenAs.set(name, number);
    open.push(name);
    let low = number;
    for (const reference of references) {
      const table = byName.get(reference);
      if (table === undefined) continue;
      if (!seenAs.has(reference)) low = Math.min(low, visit(table));
      else if (open.includes(reference))
        low = Math.min(low, lowest.get(reference) ?? seenAs.get(reference) ?? low);
    }
    lowest.set(name, low);
    if (low === number) groups.push(open.splice(open.indexOf(name)).sort());
    return low;
  }

  for (const table of tables.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!seenAs.has(table.name)) visit(table);
  }
  return groups;
}

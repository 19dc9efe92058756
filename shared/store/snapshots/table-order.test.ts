import fc from 'fast-check';
import { orderTables, type TableNode } from './table-order.ts';

const tables = (references: Record<string, string[]>): TableNode[] =>
  Object.entries(references).map(([name, of]) => ({ name, references: of }));

it('puts parents before children', () => {
  const order = orderTables(
    tables({ plans: ['people'], offices: ['staff'], people: ['offices'], staff: [] }),
  );
  expect(order).toEqual([['staff'], ['offices'], ['people'], ['plans']]);
});

it('keeps a table that refers to itself alone, and a cycle together', () => {
  const order = orderTables(
    tables({ leaf: ['b'], a: ['b', 'root'], b: ['c'], c: ['a'], root: ['root'], other: ['elsewhere'] }),
  );
  expect(order).toEqual([['root'], ['a', 'b', 'c'], ['leaf'], ['other']]);
});

it('has every table once, and no group before one that it needs', () => {
  const graph = fc.integer({ min: 1, max: 12 }).chain(size =>
    fc.array(fc.array(fc.integer({ min: 0, max: size - 1 }), { maxLength: 4 }), {
      minLength: size,
      maxLength: size,
    }),
  );
  fc.assert(
    fc.property(graph, edges => {
      const nodes = edges.map((targets, index) => ({
        name: `t${index}`,
        references: targets.map(to => `t${to}`),
      }));
      const groups = orderTables(nodes);
      expect(groups.flat().sort()).toEqual(nodes.map(({ name }) => name).sort());
      const groupOf = (name: string) => groups.findIndex(group => group.includes(name));
      for (const { name, references } of nodes) {
        for (const reference of references) expect(groupOf(reference)).toBeLessThanOrEqual(groupOf(name));
      }
      for (const group of groups) for (const name of group) expect(reachesAll(nodes, name, group)).toBe(true);
    }),
  );
});

function reachesAll(nodes: TableNode[], from: string, group: string[]): boolean {
  const seen = new Set([from]);
  for (const name of seen)
    for (const next of nodes.find(node => node.name === name)?.references ?? []) seen.add(next);
  return group.every(name => seen.has(name));
}

/** A foreign key: from which table to which. */
interface Key {
  child: string;
  parent: string;
}

/**
 * Tables that refer to `root`, each after all to which it refers, so that every key says whose a row is. Where tables
 * refer to each other in a circle, the one nearest to the root comes first: only a key that closes a circle leads to a
 * table that comes later, or to the same one. The same tables always give the same order.
 */
export function parentsFirst(root: string, keys: Key[]): string[] {
  const placed = [root];
  const waiting = breadthFirst(root, keys).slice(1);
  while (waiting.length > 0) {
    const ancestors = (name: string) => ancestorsOf(name, keys, waiting);
    const waitsForNone = (name: string) => [...ancestors(name)].every(each => ancestors(each).has(name));
    placed.push(...waiting.splice(waiting.findIndex(waitsForNone), 1));
  }
  return placed;
}

/** In the order of the keys. */
function breadthFirst(root: string, keys: Key[]): string[] {
  const ordered = [root];
  for (const parent of ordered) {
    for (const { child } of keys.filter(key => key.parent === parent)) {
      if (!ordered.includes(child)) ordered.push(child);
    }
  }
  return ordered;
}

/** The tables of `among` to which one leads, by one key or by several; itself where it is part of a circle. */
function ancestorsOf(name: string, keys: Key[], among: string[]): Set<string> {
  const found = new Set<string>();
  const visit = (child: string): void => {
    for (const { parent } of keys.filter(key => key.child === child)) {
      if (!among.includes(parent) || found.has(parent)) continue;
      found.add(parent);
      visit(parent);
    }
  };
  visit(name);
  return found;
}

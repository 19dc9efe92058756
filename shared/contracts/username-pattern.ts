/** `{id}` is the only placeholder of a username pattern; it becomes 1, 2, 3 and so on. */
const placeholder = '{id}';

/** What is wrong with a pattern and what to write instead; undefined when it is usable. */
export function faultOfPattern(pattern: string): string | undefined {
  if (pattern.includes(`$${placeholder}`)) {
    return `has \${id}: leave out the $ and write ${pattern.replaceAll(`$${placeholder}`, placeholder)}`;
  }
  const others = pattern.match(/\{[^{}]*\}/g)?.filter(found => found !== placeholder) ?? [];
  const [other] = others;
  if (other !== undefined) {
    return `has ${other}: {id} is the only placeholder, write ${pattern.replaceAll(other, placeholder)}`;
  }
  const count = pattern.split(placeholder).length - 1;
  if (count === 0) return `has no {id}, so every user would have the same name: write ${suggest(pattern)}`;
  if (count > 1) return 'has {id} more than once: keep one of them';
  return undefined;
}

function suggest(pattern: string): string {
  const at = pattern.indexOf('@');
  return at < 0 ? `${pattern}_${placeholder}` : `${pattern.slice(0, at)}_${placeholder}${pattern.slice(at)}`;
}

/** The username with this number. `expand(pattern, i)` here and `replace(pattern, '{id}', i)` in SQL are the same. */
export const expand = (pattern: string, id: number): string => pattern.replace(placeholder, String(id));

/** `{id}` is the only placeholder of a username pattern; it becomes 1, 2, 3 and so on. */
const placeholder = '{id}';

export interface PatternFault {
  code: 'wrong_placeholder' | 'pattern_without_id' | 'pattern_repeats_id';
  /** What to write instead. */
  detail: string;
}

/** What is wrong with a pattern; undefined when it is usable. */
export function faultOfPattern(pattern: string): PatternFault | undefined {
  if (pattern.includes(`$${placeholder}`)) {
    const right = pattern.replaceAll(`$${placeholder}`, placeholder);
    return { code: 'wrong_placeholder', detail: `has \${id}: leave out the $ and write ${right}` };
  }
  const others = pattern.match(/\{[^{}]*\}/g)?.filter(found => found !== placeholder) ?? [];
  const [other] = others;
  if (other !== undefined) {
    const right = pattern.replaceAll(other, placeholder);
    return {
      code: 'wrong_placeholder',
      detail: `has ${other}: {id} is the only placeholder, write ${right}`,
    };
  }
  const count = pattern.split(placeholder).length - 1;
  if (count === 0)
    return {
      code: 'pattern_without_id',
      detail: `has no {id}, so every user would have the same name: write ${suggest(pattern)}`,
    };
  if (count > 1) return { code: 'pattern_repeats_id', detail: 'has {id} more than once: keep one of them' };
  return undefined;
}

function suggest(pattern: string): string {
  const at = pattern.indexOf('@');
  return at < 0 ? `${pattern}_${placeholder}` : `${pattern.slice(0, at)}_${placeholder}${pattern.slice(at)}`;
}

/** The username with this number. `expand(pattern, i)` here and `replace(pattern, '{id}', i)` in SQL are the same. */
export const expand = (pattern: string, id: number): string => pattern.replace(placeholder, String(id));

/** The address of a user: the name itself where the pattern makes addresses. In SQL `user-creation.ts` says the same. */
export const addressOf = (
  { username_pattern: pattern, email_domain }: { username_pattern: string; email_domain: string },
  username: string,
): string => (pattern.includes('@') ? username : `${username}@${email_domain}`);

/** The number of the user with this name: the inverse of `expand`; undefined for a name that the pattern does not give. */
export function idOf(pattern: string, username: string): number | undefined {
  const at = pattern.indexOf(placeholder);
  const [prefix, suffix] = [pattern.slice(0, at), pattern.slice(at + placeholder.length)];
  if (!username.startsWith(prefix) || !username.endsWith(suffix)) return undefined;
  const digits = username.slice(prefix.length, username.length - suffix.length);
  return /^[1-9]\d{0,9}$/.test(digits) && username.length === prefix.length + digits.length + suffix.length
    ? Number(digits)
    : undefined;
}

import type { Fault } from '../kernel/errors.ts';
import { type Place, pointerTo } from './faults.ts';

/** Deeper than any request of the API; far less than what overflows a stack. */
const maxDepth = 32;

/**
 * Faults of values that are valid JSON, and that no schema has to think about: text that Postgres cannot store
 * (U+0000, half a surrogate pair), numbers beyond a double, nesting without end, `__proto__`.
 */
export function findUnstorable(value: unknown, place: Place = 'body'): Fault[] {
  const faults: Fault[] = [];
  const report = (path: readonly string[], code: string, detail: string) =>
    faults.push({ pointer: pointerTo(path, place), code, detail });

  function inspectText(text: string, path: readonly string[]) {
    if (text.includes('\u0000')) report(path, 'invalid_character', 'must not contain U+0000');
    else if (!text.isWellFormed())
      report(path, 'invalid_character', 'must not contain half a surrogate pair');
  }

  function inspect(item: unknown, path: readonly string[]): void {
    if (typeof item === 'string') inspectText(item, path);
    else if (typeof item === 'number' && !Number.isFinite(item))
      report(path, 'too_big', 'is beyond a double');
    else if (typeof item === 'object' && item !== null) inspectEntries(item, path);
  }

  function inspectEntries(item: object, path: readonly string[]) {
    if (path.length >= maxDepth) return report(path, 'too_deep', `is nested deeper than ${maxDepth} levels`);
    for (const [key, entry] of Object.entries(item)) {
      const inner = [...path, key];
      inspectText(key, inner);
      if (key === '__proto__') report(inner, 'unknown_field', 'is not known here');
      inspect(entry, inner);
    }
  }

  inspect(value, []);
  return faults;
}

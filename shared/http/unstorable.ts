import type { Fault } from '../kernel/errors.ts';
import { type Place, pointerTo } from './faults.ts';

/** Of a `numeric` of PostgreSQL, after its point. */
const maxFraction = 16_383;
/** Room for what a double can be; PostgreSQL writes all digits out, so that a few characters could become very many. */
const maxExponent = 400;

const numberParts = /^-?\d+(?:\.(?<fraction>\d+))?(?:e(?<exponent>[+-]?\d+))?$/i;

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

  /** One that is kept as it is written (`parseAsWritten`). */
  function inspectNumber(text: string, path: readonly string[]) {
    const { fraction = '', exponent = '0' } = numberParts.exec(text)?.groups ?? {};
    if (!Number.isFinite(Number(text)) || Number(exponent) > maxExponent)
      report(path, 'too_big', 'is beyond a double');
    else if (Number(exponent) < -maxExponent || fraction.length - Number(exponent) > maxFraction)
      report(
        path,
        'too_small',
        `has more than ${maxFraction} digits after its point, or is finer than a double`,
      );
  }

  function inspect(item: unknown, path: readonly string[]): void {
    if (typeof item === 'string') inspectText(item, path);
    else if (typeof item === 'number' && !Number.isFinite(item))
      report(path, 'too_big', 'is beyond a double');
    else if (JSON.isRawJSON(item)) inspectNumber(item.rawJSON, path);
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

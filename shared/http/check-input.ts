import type { z } from 'zod';
import type { Fault } from '../kernel/errors.ts';
import { faultsOf, type Place } from './faults.ts';
import { findUnstorable } from './unstorable.ts';

/** What was sent as its schema has it, or every fault of it: of what cannot be stored, and of what the schema refuses. */
export function checkInput<S extends z.ZodType>(
  schema: S,
  input: unknown,
  place: Place = 'body',
): { value?: z.output<S>; faults: Fault[] } {
  const unstorable = findUnstorable(input, place);
  // A schema that follows it may run out of stack.
  if (unstorable.some(({ code }) => code === 'too_deep')) return { faults: unstorable };
  const parsed = schema.safeParse(input);
  if (parsed.success && unstorable.length === 0) return { value: parsed.data, faults: [] };
  const places = new Set(unstorable.map(({ pointer }) => pointer));
  const refused = parsed.success ? [] : faultsOf(parsed.error, input, place);
  return { faults: [...unstorable, ...refused.filter(({ pointer }) => !places.has(pointer))] };
}

import type { z } from 'zod';
import { AppError, type Fault, isAppError } from '../kernel/errors.ts';

/**
 * Faults as clients see them. `pointer` says where: `/config/password` is an RFC 6901 pointer into the body
 * (the empty pointer is the whole body), `?limit` a query parameter, `header:Idempotency-Key` a header.
 */
export type Place = 'body' | 'query';

const escapePart = (part: PropertyKey): string => String(part).replaceAll('~', '~0').replaceAll('/', '~1');

export function pointerTo(path: readonly PropertyKey[], place: Place = 'body'): string {
  if (place === 'query') return `?${path.map(String).join('.')}`;
  return path.map(part => `/${escapePart(part)}`).join('');
}

const fieldOf = (value: unknown, key: PropertyKey): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;

const codes: Record<string, string> = {
  invalid_type: 'wrong_type',
  unrecognized_keys: 'unknown_field',
  invalid_value: 'not_allowed',
  custom: 'invalid',
};

function codeOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined && issue.code !== 'custom') return 'required';
  if (issue.code === 'custom' && typeof issue.params?.code === 'string') return issue.params.code;
  return codes[issue.code] ?? issue.code;
}

/** Of a union, the branch that came nearest: the one whose faults lie deepest. */
function nearestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  const depth = (issues: readonly z.core.$ZodIssue[]) => Math.min(...issues.map(issue => issue.path.length));
  return branches.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
}

/** What an issue says; of a limit without words of its own it is said as of the others, not as zod does. */
function detailOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small' && issue.message.startsWith('Too small:')) {
    if (issue.minimum === 1 && issue.origin in counted) return 'must not be empty';
    return limitOf(issue.origin, `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`);
  }
  if (issue.code === 'too_big' && issue.message.startsWith('Too big:'))
    return limitOf(issue.origin, `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`);
  return issue.message;
}

const counted: Record<string, string> = { string: 'characters', array: 'entries' };
const limitOf = (origin: string, limit: string): string =>
  counted[origin] === undefined ? `must be ${limit}` : `must have ${limit} ${counted[origin]}`;

function faultsOfIssue(issue: z.core.$ZodIssue, base: readonly PropertyKey[], root: unknown, place: Place) {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => ({
      pointer: pointerTo([...path, key], place),
      code: 'unknown_field',
      detail: 'is not known here',
    }));
  }
  if (issue.code === 'invalid_union') {
    const branch = nearestBranch(issue.errors);
    if (branch.some(inner => inner.path.length > 0)) {
      return branch.flatMap((inner): Fault[] => faultsOfIssue(inner, path, root, place));
    }
  }
  const value = path.reduce(fieldOf, root);
  const code = codeOf(issue, value);
  return [
    { pointer: pointerTo(path, place), code, detail: code === 'required' ? 'is required' : detailOf(issue) },
  ];
}

/**
 * Every fault that zod found in `input`, as the API reports them. A refinement sets its code with
 * `params: { code: 'pattern_without_id' }`.
 */
export function faultsOf(error: z.core.$ZodError, input: unknown, place: Place = 'body'): Fault[] {
  return error.issues.flatMap(issue => faultsOfIssue(issue, [], input, place));
}

/** The 422 for these faults. */
export function refused(faults: Fault[]): AppError {
  const named = faults.slice(0, 3).map(fault => `${fault.pointer || 'the body'} ${fault.detail}`);
  const more = faults.length > 3 ? `; and ${faults.length - 3} more` : '';
  return new AppError('validation_failed', `${named.join('; ')}${more}`, { faults });
}

/** The 422 for one fault that only the handler can see, such as a name that is taken or a bad reference. */
export const refuse = (pointer: string, code: string, detail: string): AppError =>
  refused([{ pointer, code, detail }]);

/** What `look` gives. Faults that were seen before it are told in any case: alone, or together with those that it throws. */
export async function lookWith<T>(seen: readonly Fault[], look: () => Promise<T>): Promise<T> {
  const found = await look().catch((error: unknown) => {
    if (!isAppError(error)) throw error;
    const { code, message, hint, faults } = error;
    const told = { ...(hint !== undefined && { hint }), faults: [...faults, ...seen], cause: error };
    throw new AppError(code, message, told);
  });
  if (seen.length > 0) throw refused([...seen]);
  return found;
}

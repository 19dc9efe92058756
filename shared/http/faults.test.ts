import { z } from 'zod';
import { faultsOf, pointerTo, refused } from './faults.ts';

const faults = (schema: z.ZodType, input: unknown) => {
  const parsed = schema.safeParse(input);
  return parsed.success ? [] : faultsOf(parsed.error, input).map(({ pointer, code }) => `${pointer} ${code}`);
};

describe('faults', () => {
  it('tell a missing field from one of the wrong type, and name every unknown one', () => {
    const schema = z.strictObject({ a: z.int(), b: z.string(), c: z.strictObject({ d: z.boolean() }) });
    expect(faults(schema, { b: 1, c: { d: true, e: 1, f: 2 } })).toEqual([
      '/a required',
      '/b wrong_type',
      '/c/e unknown_field',
      '/c/f unknown_field',
    ]);
  });

  it('of a union are those of the branch that came nearest', () => {
    const target = z.union([
      z.literal('load_tester'),
      z.strictObject({ type: z.literal('http'), base_url: z.url() }),
    ]);
    expect(faults(z.strictObject({ target }), { target: { type: 'http', base_url: 'x' } })).toEqual([
      '/target/base_url invalid_format',
    ]);
    expect(faults(z.strictObject({ target }), { target: 5 })).toEqual(['/target invalid_union']);
    expect(faults(z.strictObject({ target }), {})).toEqual(['/target required']);
  });

  it('carry the code that a refinement gives them', () => {
    const even = z.int().refine(value => value % 2 === 0, { params: { code: 'odd' }, error: 'must be even' });
    expect(faults(z.array(even), [2, 3])).toEqual(['/1 odd']);
  });

  it('say of a limit what must be, but for one with words of its own', () => {
    const schema = z.object({
      ...{ name: z.string().min(1), pin: z.string().max(4), list: z.array(z.int()).min(2) },
      ...{ age: z.int().min(18), share: z.number().lt(1), own: z.int().min(1, 'must be many') },
    });
    const input = { name: '', pin: '12345', list: [1], age: 3, share: 1, own: 0 };
    expect(
      faultsOf(schema.safeParse(input).error ?? new z.core.$ZodError([]), input).map(({ detail }) => detail),
    ).toEqual([
      'must not be empty',
      'must have at most 4 characters',
      'must have at least 2 entries',
      'must be at least 18',
      'must be less than 1',
      'must be many',
    ]);
  });

  it('point as RFC 6901 and the query say', () => {
    expect(pointerTo(['a/b', '~', 0])).toBe('/a~1b/~0/0');
    expect(pointerTo(['limit'], 'query')).toBe('?limit');
  });

  it('are summed up in the message, and all there in the error', () => {
    const four = ['/a', '/b', '/c', '/d'].map(pointer => ({
      pointer,
      code: 'required',
      detail: 'is required',
    }));
    const error = refused(four);
    expect(error.message).toBe('/a is required; /b is required; /c is required; and 1 more');
    expect(error.faults).toHaveLength(4);
  });
});

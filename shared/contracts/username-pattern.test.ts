import fc from 'fast-check';
import { expand, faultOfPattern } from './username-pattern.ts';

describe('a username pattern', () => {
  it('is usable with {id} in it once', () => {
    expect(faultOfPattern('testuser_{id}@example.com')).toBeUndefined();
    expect(faultOfPattern('{id}')).toBeUndefined();
  });

  it.each([
    ['user_${id}@domain.com', 'write user_{id}@domain.com'],
    ['user_{index}@domain.com', 'write user_{id}@domain.com'],
    ['user@domain.com', 'write user_{id}@domain.com'],
    ['user', 'write user_{id}'],
    ['{id}_{id}', 'keep one of them'],
  ])('%s is refused with what to write instead', (pattern, hint) => {
    expect(faultOfPattern(pattern)?.detail).toContain(hint);
  });

  it('gives every number a name of its own', () => {
    const text = fc.string({ maxLength: 20 }).filter(part => !/[{}$]/.test(part));
    fc.assert(
      fc.property(text, text, fc.uniqueArray(fc.nat(), { maxLength: 50 }), (before, after, ids) => {
        const pattern = `${before}{id}${after}`;
        fc.pre(faultOfPattern(pattern) === undefined);
        expect(new Set(ids.map(id => expand(pattern, id))).size).toBe(ids.length);
      }),
    );
  });
});

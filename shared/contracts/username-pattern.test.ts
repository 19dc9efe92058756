import fc from 'fast-check';
import { expand, faultOfPattern, idOf } from './username-pattern.ts';

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

  it('gives the number back for a name', () => {
    const text = fc.string({ maxLength: 20 }).filter(part => !/[{}$]/.test(part));
    fc.assert(
      fc.property(text, text, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (before, after, id) => {
        const pattern = `${before}{id}${after}`;
        expect(idOf(pattern, expand(pattern, id))).toBe(id);
      }),
    );
  });

  it.each(['user_0', 'user_01', 'user_', 'user_1x', 'xuser_1', 'user_-1', 'user_12345678901'])(
    'has no number for %s',
    username => {
      expect(idOf('user_{id}', username)).toBeUndefined();
    },
  );
});

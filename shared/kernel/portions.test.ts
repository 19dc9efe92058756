import fc from 'fast-check';
import { portions } from './portions.ts';

it('keeps the items in their order, and to the limits but for one that is too long alone', () => {
  const limits = fc.record({ maxBytes: fc.nat(20), maxItems: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(fc.nat(30)), limits, (lengths, { maxBytes, maxItems }) => {
      const found = [...portions(lengths, length => length, { maxBytes, maxItems })];
      expect(found.flat()).toEqual(lengths);
      for (const portion of found) {
        expect(portion.length).toBeGreaterThan(0);
        expect(portion.length).toBeLessThanOrEqual(maxItems);
        const bytes = portion.reduce((sum, length) => sum + length, 0);
        expect(portion.length === 1 || bytes <= maxBytes).toBe(true);
      }
    }),
  );
});

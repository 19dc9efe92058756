import fc from 'fast-check';
import { z } from 'zod';
import { decodeCursor, pageFrom } from './pagination.ts';

describe('pages', () => {
  it('give every row once, in order, whatever the page size', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 1, max: 20 }), (total, limit) => {
        const rows = Array.from({ length: total }, (_, index) => index);
        const seen: number[] = [];
        let cursor: string | null = null;
        do {
          const after: number = decodeCursor(cursor ?? undefined, z.int()) ?? -1;
          const read = rows.filter(row => row > after).slice(0, limit + 1);
          const page = pageFrom(
            read,
            limit,
            row => row,
            row => row,
          );
          expect(page.items.length).toBeLessThanOrEqual(limit);
          seen.push(...page.items);
          cursor = page.next_cursor;
        } while (cursor !== null);
        expect(seen).toEqual(rows);
      }),
    );
  });

  it('refuse a cursor that is not theirs', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        const parsed = () => decodeCursor(text, z.uuid());
        expect(parsed).toThrow('?cursor is not a cursor of this list');
      }),
    );
  });
});

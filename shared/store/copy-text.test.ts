import { parseRow } from './copy-text.ts';

const columns = ['text', 'boolean', 'integer', 'jsonb', 'numeric'].map((type, index) => ({
  name: `c${index}`,
  type,
  not_null: false,
}));

it('gives the values of a line, and no number another way than it is written', () => {
  const row = parseRow('a\\tb\tt\t7\t{"price": 1.50, "all": [12345678901234567890, 1]}\t2.50', columns);
  expect(JSON.stringify(row)).toBe(
    '{"c0":"a\\tb","c1":true,"c2":7,"c3":{"price":1.50,"all":[12345678901234567890,1]},"c4":"2.50"}',
  );
  expect(parseRow('\\N\t\\N\t\\N\t\\N\t\\N', columns)).toEqual({
    c0: null,
    c1: null,
    c2: null,
    c3: null,
    c4: null,
  });
});

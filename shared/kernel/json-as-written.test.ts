import fc from 'fast-check';
import { parseAsWritten, parseFieldAsWritten } from './json-as-written.ts';

const digits = (max: number) => fc.stringMatching(new RegExp(`^[1-9]\\d{0,${max}}$`));
const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), digits(24)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{1,20}$/), fc.stringMatching(/^[eE][+-]?\d{1,2}$/)),
  )
  .map(parts => parts.join(''));
const space = fc.constantFrom('', ' ', '\n\t');
const { value } = fc.letrec<{ value: string }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    number,
    fc.string().map(text => JSON.stringify(text)),
    fc.constantFrom('true', 'null', '"2026-01-01T10:30:15.120Z"', '"a\\":1.50"'),
    fc.tuple(space, fc.array(tie('value'))).map(([gap, items]) => `[${gap}${items.join(`,${gap}`)}]`),
    fc
      .tuple(space, fc.array(tie('value')))
      .map(([gap, items]) => `{${items.map((item, n) => `"k${n}"${gap}:${gap}${item}`).join(',')}}`),
  ),
}));

it('gives every number back as it was written, wherever it stands', () => {
  fc.assert(
    fc.property(value, text => {
      const withoutSpace = text.replaceAll(/"(?:[^"\\]|\\.)*"|\s+/g, part =>
        part.startsWith('"') ? part : '',
      );
      expect(JSON.stringify(parseAsWritten(text))).toBe(withoutSpace);
    }),
    { numRuns: 2000 },
  );
});

it('keeps them in one field only, wherever that stands, where it is asked to', () => {
  const text = '{"count":1.0,"list":[{"kept":{"a":[1.50]},"b":2.0}],"kept":{"kept":3.0,"c":4.0}}';
  expect(JSON.stringify(parseFieldAsWritten(text, 'kept'))).toBe(
    '{"count":1,"list":[{"kept":{"a":[1.50]},"b":2}],"kept":{"kept":3.0,"c":4.0}}',
  );
  expect(parseFieldAsWritten('{"kept":1.50}', 'kept')).toEqual({ kept: 1.5 });
  expect(parseFieldAsWritten('[1.0]', 'kept')).toEqual([1]);
});

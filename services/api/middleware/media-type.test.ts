import { readMediaType } from './media-type.ts';

it.each([
  ['application/json', true],
  ['Application/JSON ; Charset="UTF-8"', true],
  ['application/json;', true],
  ['application/json; ; charset=utf8; v=1', true],
  ['application/json; charset=latin1', false],
  ['application/json; charset=utf-8; charset=utf-16', false],
  ['application/json; charset=', false],
])('%s is a type, in UTF-8: %s', (header, isUtf8) => {
  expect(readMediaType(header)).toEqual({ type: 'application/json', isUtf8 });
});

it('a header that is missing gives an empty type', () => {
  expect(readMediaType(undefined).type).toBe('');
});

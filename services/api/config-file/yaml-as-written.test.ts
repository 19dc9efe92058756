import { parseYamlFieldAsWritten } from './yaml-as-written.ts';

const parsed = (text: string) => JSON.stringify(parseYamlFieldAsWritten(text, 'kept'));

it.each([
  ['9007199254740993', '9007199254740993'],
  ['-123456789012345678901234567890', '-123456789012345678901234567890'],
  ['1.50', '1.50'],
  ['+9007199254740993', '9007199254740993'],
  ['0xFFFFFFFFFFFFFFFF', '18446744073709551615'],
  ['.12345678901234567890', '0.12345678901234567890'],
  ['007', '7'],
  ['1.', '1'],
  ['"1.50"', '"1.50"'],
  ['.inf', 'null'],
])('%s within the field is kept', (written, expected) => {
  expect(parsed(`kept: { list: [${written}] }`)).toBe(`{"kept":{"list":[${expected}]}}`);
});

it('numbers elsewhere are those of JavaScript, and keys and anchors are what they are in YAML', () => {
  const text = 'a: &same { n: 1.50 }\nb: { kept: { 1.50: *same, m: 2.0 } }\nc: 2.0\n';
  expect(parsed(text)).toBe('{"a":{"n":1.5},"b":{"kept":{"1.5":{"n":1.50},"m":2.0}},"c":2}');
});

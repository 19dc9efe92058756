import type { Api, SchemaNode } from './openapi.ts';
import { allowedTypes, type Field, fieldsOf, jsonType, sampleOf } from './samples.ts';

export interface Mutation {
  label: string;
  /** The body as sent. */
  body: string;
  /** `refuse`: a 4xx is due. `survive`: the value may be lawful; never a 5xx. */
  due: 'refuse' | 'survive';
  /** Where a fault must be reported, when it must be at one place. */
  pointer?: string;
}

const half = '\ud800';

/** Texts and numbers that break programs: for any field, whatever it is for. */
export const nastyTexts = [
  '',
  ' ',
  'x'.repeat(100_000),
  'Ünïcödé 🦄 \u202e\u200b\ufeff',
  "'; drop table jobs; --",
  '" or 1=1 --',
  '<script>alert(1)</script>',
  '{{7*7}} ${7*7} %s%n',
  '../../etc/passwd',
  '__proto__',
  '-1',
  '0',
  'NaN',
  'true',
  '2026-02-30T00:00:00Z',
  '0000-01-01T00:00:00Z',
  'http://169.254.169.254/',
];
const unstorableTexts = ['\u0000', 'a\u0000b', half];
const nastyValues = [
  ...nastyTexts,
  0,
  -1,
  1.5,
  2_147_483_648,
  9_007_199_254_740_992,
  1e300,
  true,
  null,
  [],
  [[]],
  {},
  { '': '' },
  JSON.parse('{"__proto__": {"admin": true}}'),
];
/** Not JSON, or JSON that no double holds. */
const rawTokens = ['NaN', 'Infinity', '-Infinity', 'undefined', '01', "'a'", '1e999', '-1e999'];

/** Those that must be refused come first: what is stored stands still meanwhile, which is quick to verify. */
export function mutationsOf(api: Api, schema: SchemaNode): Mutation[] {
  const base = sampleOf(api, schema);
  const whole = ['null', '[]', '"text"', '1', 'true', '{"a":', '{]', '', '\u0000', '{"a":1}{"b":2}'];
  const mutations = [
    ...whole.map((body): Mutation => ({ label: `the body ${body}`, body, due: isEmptyBody(body) })),
    unknownField(base, []),
    ...fieldsOf(api, schema).flatMap(field => mutationsOfField(api, base, field)),
  ];
  const { refuse = [], survive = [] } = Object.groupBy(mutations, ({ due }) => due);
  return [...refuse, ...survive];
}

const isEmptyBody = (body: string) => (body === '' ? 'survive' : 'refuse');

function mutationsOfField(api: Api, base: unknown, field: Field): Mutation[] {
  const { path, schema } = field;
  const pointer = `/${path.join('/')}`;
  const types = allowedTypes(api, schema);
  const put = (value: unknown, due: Mutation['due']): Mutation => ({
    label: `${pointer} = ${JSON.stringify(value)?.slice(0, 60)}`,
    body: JSON.stringify(withValue(base, path, value)),
    due,
  });
  const dueOf = (value: unknown) =>
    types === undefined || types.has(jsonType(value)) ? 'survive' : 'refuse';
  return [
    ...nastyValues.map(value => put(value, dueOf(value))),
    ...unstorableTexts.map(text => ({ ...put(text, 'refuse'), pointer })),
    ...rawTokens.map((token): Mutation => ({ ...putRaw(base, path, token), due: 'refuse' })),
    ...(field.required ? [missing(base, path, pointer)] : []),
    ...(types?.has('object') && schema.properties ? [unknownField(base, path)] : []),
  ];
}

function putRaw(base: unknown, path: string[], token: string): Omit<Mutation, 'due'> {
  const marked = JSON.stringify(withValue(base, path, '@raw@'));
  return { label: `/${path.join('/')} = ${token}`, body: marked.replace('"@raw@"', token) };
}

const missing = (base: unknown, path: string[], pointer: string): Mutation => ({
  label: `${pointer} is missing`,
  body: JSON.stringify(withValue(base, path, undefined)),
  due: 'refuse',
  pointer,
});

function unknownField(base: unknown, path: string[]): Mutation {
  const pointer = [...path, 'no_such_field'].map(part => `/${part}`).join('');
  const body = JSON.stringify(withValue(base, [...path, 'no_such_field'], 'x'));
  return { label: `${pointer} is unknown`, body, due: 'refuse', pointer };
}

/** A copy of `base` with `value` at `path`; objects and arrays on the way are made. */
function withValue(base: unknown, path: readonly string[], value: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  if (/^\d+$/.test(head)) return [withValue(Array.isArray(base) ? base[0] : undefined, rest, value)];
  const object: Record<string, unknown> = { ...Object(base) };
  object[head] = withValue(object[head], rest, value);
  return object;
}

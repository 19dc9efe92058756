import type { Api, SchemaNode } from './openapi.ts';
import { allowedTypes, type Field, fieldsOf, jsonType, sampleOf } from './samples.ts';

export interface Mutation {
  label: string;
  /** The body as sent. */
  body: string;
  /** `refuse`: a 4xx is due. `survive`: the value may be lawful; never a 5xx. */
  due: 'refuse' | 'survive';
  /** Where faults must be reported. */
  pointers: string[];
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
/** JSON that no double holds. */
const rawTokens = ['1e999', '-1e999'];
/** Not JSON, wherever it stands. */
const brokenTokens = ['NaN', 'Infinity', '-Infinity', 'undefined', '01', "'a'"];
const wholeBodies = [
  ...brokenTokens.flatMap(token => [token, `{"a": ${token}}`]),
  ...['null', '[]', '"text"', '1', 'true', '{"a":', '{]', '', '\u0000', '{"a":1}{"b":2}'],
];

/** Those that must be refused come first: what is stored stands still meanwhile, which is quick to verify. */
export function mutationsOf(api: Api, schema: SchemaNode): Mutation[] {
  const base = sampleOf(api, schema);
  const fields = fieldsOf(api, schema).map(field => ({ ...field, types: allowedTypes(api, field.schema) }));
  const levels = Object.values(Object.groupBy(fields, ({ path }) => path.length));
  const mutations = [
    ...wholeBodies.map(
      (body): Mutation => ({ label: `the body ${body}`, body, due: isEmptyBody(body), pointers: [] }),
    ),
    unknownField(base, []),
    ...levels.flatMap((level = []) => refusedTogether(base, level)),
    ...fields.flatMap(field => mutationsOfField(base, field)),
  ];
  const { refuse = [], survive = [] } = Object.groupBy(mutations, ({ due }) => due);
  return [...refuse, ...survive];
}

type TypedField = Field & { types: Set<string> | undefined };

const isEmptyBody = (body: string) => (body === '' ? 'survive' : 'refuse');
const pointerOf = (path: readonly string[]): string => `/${path.join('/')}`;
const mayBe = ({ types }: TypedField, value: unknown): boolean =>
  types === undefined || types.has(jsonType(value));

/** What no field of these may be, in all of them at once: each must be reported. None contains another. */
function refusedTogether(base: unknown, level: TypedField[]): Mutation[] {
  const put = (value: unknown, fields: TypedField[]): Mutation[] => {
    if (fields.length === 0) return [];
    const pointers = fields.map(({ path }) => pointerOf(path));
    const body = fields.reduce((made, { path }) => withValue(made, path, value), base);
    const label = `${pointers.join(', ')} = ${JSON.stringify(value)?.slice(0, 60)}`;
    return [{ label, body: JSON.stringify(body), due: 'refuse', pointers }];
  };
  const certain = level.filter(({ alternative }) => !alternative);
  const unfit = (value: unknown) => certain.filter(field => !mayBe(field, value));
  return [
    ...nastyValues.flatMap(value => put(value, unfit(value))),
    ...unstorableTexts.flatMap(text => put(text, certain)),
  ];
}

/** What a field may be, and what is about it alone. Of one shape of several: all, since the others may hide a fault of it. */
function mutationsOfField(base: unknown, field: TypedField): Mutation[] {
  const { path, schema, types, alternative } = field;
  const pointer = pointerOf(path);
  const alone = nastyValues.filter(value => alternative || mayBe(field, value));
  return [
    ...alone.map(
      (value): Mutation => ({
        label: `${pointer} = ${JSON.stringify(value)?.slice(0, 60)}`,
        body: JSON.stringify(withValue(base, path, value)),
        due: mayBe(field, value) ? 'survive' : 'refuse',
        pointers: [],
      }),
    ),
    ...rawTokens.map((token): Mutation => ({ ...putRaw(base, path, token), due: 'refuse', pointers: [] })),
    ...(field.required ? [missing(base, path, pointer)] : []),
    ...(types?.has('object') && schema.properties ? [unknownField(base, path)] : []),
  ];
}

function putRaw(base: unknown, path: string[], token: string): Pick<Mutation, 'label' | 'body'> {
  const marked = JSON.stringify(withValue(base, path, '@raw@'));
  return { label: `/${path.join('/')} = ${token}`, body: marked.replace('"@raw@"', token) };
}

const missing = (base: unknown, path: string[], pointer: string): Mutation => ({
  label: `${pointer} is missing`,
  body: JSON.stringify(withValue(base, path, undefined)),
  due: 'refuse',
  pointers: [pointer],
});

function unknownField(base: unknown, path: string[]): Mutation {
  const pointer = [...path, 'no_such_field'].map(part => `/${part}`).join('');
  const body = JSON.stringify(withValue(base, [...path, 'no_such_field'], 'x'));
  return { label: `${pointer} is unknown`, body, due: 'refuse', pointers: [pointer] };
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

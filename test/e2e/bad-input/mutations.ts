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
  /** Of several fields at once: the same for each of them, to be tried where no fault of its own was reported. */
  alone?: (Mutation & { pointer: string })[];
}

const half = '\ud800';

/** Texts and numbers that break programs: for any field, whatever it is for. */
export const nastyTexts = [
  '',
  ' ',
  'x'.repeat(100_000),
  'Ünïcödé 🦄 \u202e\u200b\ufeff',
  `'" or 1=1; drop table jobs; --`,
  '<script>alert(1)</script>{{7*7}} ${7*7} %s%n',
  '../../etc/passwd',
  '__proto__',
  '-1',
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
  ...brokenTokens.map(token => `{"a": ${token}}`),
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
    ...levels.flatMap((level = []) => triedTogether(base, level)),
    ...fields.flatMap(field => mutationsOfField(base, field)),
  ];
  const { refuse = [], survive = [] } = Object.groupBy(mutations, ({ due }) => due);
  const lawful = new Set(survive.map(({ body }) => body)); // in one of several shapes
  const once = Map.groupBy(
    [...refuse.filter(({ body }) => !lawful.has(body)), ...survive],
    ({ body }) => body,
  );
  return [...once.values()].flatMap(([first]) => first ?? []);
}

type TypedField = Field & { types: Set<string> | undefined };

const isEmptyBody = (body: string) => (body === '' ? 'survive' : 'refuse');
const pointerOf = (path: readonly string[]): string => `/${path.join('/')}`;
const mayBe = ({ types }: TypedField, value: unknown): boolean =>
  types === undefined || types.has(jsonType(value));

/**
 * What programs break on, in all fields of a level at once: each must be reported that may not be so. What a field may
 * be is tried in it alone too, unless it was reported: many have a rule against it.
 */
function triedTogether(base: unknown, level: TypedField[]): Mutation[] {
  const certain = level.filter(({ alternative }) => !alternative);
  const required = certain.filter(field => field.required);
  return [
    ...nastyValues.flatMap(value => inAll(base, certain, { value, mayBe: field => mayBe(field, value) })),
    ...unstorableTexts.flatMap(value => inAll(base, certain, { value, mayBe: () => false })),
    ...inAll(base, required, { value: undefined, mayBe: () => false }),
    ...rawTokens.flatMap(token => inAll(base, level, { value: new RawToken(token), mayBe: () => false })),
  ];
}

function inAll(
  base: unknown,
  fields: TypedField[],
  { value, mayBe }: { value: unknown; mayBe: (field: TypedField) => boolean },
): Mutation[] {
  if (fields.length === 0) return [];
  const [fit, unfit] = [fields.filter(mayBe), fields.filter(field => !mayBe(field))];
  const alone = fit.map(field => ({
    ...put(base, [field], value),
    due: 'survive' as const,
    pointers: [],
    pointer: pointerOf(field.path),
  }));
  if (fields.length === 1 && alone.length === 1) return alone;
  const pointers = unfit.map(({ path }) => pointerOf(path));
  return [{ ...put(base, fields, value), due: unfit.length > 0 ? 'refuse' : 'survive', pointers, alone }];
}

/** What is about one field alone. Of one shape of several: all, since the others may hide a fault of it. */
function mutationsOfField(base: unknown, field: TypedField): Mutation[] {
  const { path, schema, types, alternative } = field;
  return [
    ...(alternative ? nastyValues : []).map(
      (value): Mutation => ({
        ...put(base, [field], value),
        due: mayBe(field, value) ? 'survive' : 'refuse',
        pointers: [],
      }),
    ),
    ...(types?.has('object') && schema.properties ? [unknownField(base, path)] : []),
  ];
}

/** What only stands in a body as sent. */
class RawToken {
  readonly token: string;
  constructor(token: string) {
    this.token = token;
  }
}

/** The body with one value in each of these fields; without them, for `undefined`. */
function put(base: unknown, fields: TypedField[], value: unknown): Pick<Mutation, 'label' | 'body'> {
  const isRaw = value instanceof RawToken;
  const placed = isRaw ? '@raw@' : value;
  const body = JSON.stringify(fields.reduce((made, { path }) => withValue(made, path, placed), base));
  const where = fields.map(({ path }) => pointerOf(path)).join(', ');
  const shown = isRaw ? value.token : JSON.stringify(value)?.slice(0, 60);
  return {
    label: value === undefined ? `${where} missing` : `${where} = ${shown}`,
    body: isRaw ? body.replaceAll('"@raw@"', value.token) : body,
  };
}

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

import { randomUUID } from 'node:crypto';
import type { Api, SchemaNode } from './openapi.ts';

/** A value that fits a schema, with required fields only. Patterns are not solved: those get a likely text. */
export function sampleOf(api: Api, given: SchemaNode): unknown {
  const schema = api.resolve(given);
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [branch] = schema.anyOf ?? schema.oneOf ?? [];
  if (branch !== undefined) return sampleOf(api, branch);
  if (schema.allOf !== undefined) return Object.assign({}, ...schema.allOf.map(part => sampleOf(api, part)));
  return sampleOfType(api, schema);
}

function sampleOfType(api: Api, schema: SchemaNode): unknown {
  switch (typesOf(schema)[0]) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map(name => [name, sampleOf(api, schema.properties?.[name] ?? {})]),
      );
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(api, schema.items ?? {}));
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return sampleText(schema);
  }
}

function sampleText({ format, minLength = 1 }: SchemaNode): string {
  if (format === 'uuid') return randomUUID();
  if (format === 'date-time') return '2026-01-31T12:00:00Z';
  if (format === 'uri') return 'http://127.0.0.1:9/';
  return 'a'.repeat(Math.max(minLength, 8));
}

const typesOf = ({ type }: SchemaNode): string[] =>
  type === undefined ? [] : Array.isArray(type) ? type : [type];

/** A field somewhere in a body: how to reach it, what it is, whether it may be left out, and is of one shape of several. */
export interface Field {
  path: string[];
  schema: SchemaNode;
  required: boolean;
  alternative: boolean;
}

/** Every field of a schema, through nested objects, array items and all branches of unions. */
export function fieldsOf(api: Api, given: SchemaNode, path: string[] = []): Field[] {
  if (path.length > 8) return [];
  const schema = api.resolve(given);
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  const shapes = branches.filter(branch => api.resolve(branch).properties !== undefined);
  const isChoice = shapes.length > 1 && schema.allOf === undefined;
  const nested = branches
    .flatMap(branch => fieldsOf(api, branch, path))
    // What one of several shapes requires, another may do without, or not know.
    .map(field => (isChoice ? { ...field, required: false, alternative: true } : field));
  const items = schema.items ? fieldsOf(api, schema.items, [...path, '0']) : [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    { path: [...path, name], schema: field, required: isRequired(schema, name), alternative: false },
    ...fieldsOf(api, field, [...path, name]),
  ]);
  return [...own, ...nested, ...items];
}

const isRequired = ({ required = [] }: SchemaNode, name: string): boolean => required.includes(name);

/** The JSON types that a schema allows; undefined when it allows any. */
export function allowedTypes(api: Api, given: SchemaNode): Set<string> | undefined {
  const schema = api.resolve(given);
  if (schema.const !== undefined) return new Set([jsonType(schema.const)]);
  if (schema.enum !== undefined) return new Set(schema.enum.map(jsonType));
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) {
    const all = branches.map(branch => allowedTypes(api, branch));
    return all.some(types => types === undefined)
      ? undefined
      : new Set(all.flatMap(types => [...(types ?? [])]));
  }
  const types = typesOf(schema);
  return types.length === 0
    ? undefined
    : new Set(types.flatMap(type => (type === 'number' ? [type, 'integer'] : type)));
}

export function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

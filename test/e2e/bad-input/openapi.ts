import { z } from 'zod';

/** The parts of an OpenAPI document that the bad-input test walks. */
const schemaNode: z.ZodType<SchemaNode> = z.lazy(() =>
  z.looseObject({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    format: z.string().optional(),
    pattern: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    default: z.unknown().optional(),
    minimum: z.number().optional(),
    minLength: z.number().optional(),
    minItems: z.number().optional(),
    properties: z.record(z.string(), schemaNode).optional(),
    required: z.array(z.string()).optional(),
    items: schemaNode.optional(),
    anyOf: z.array(schemaNode).optional(),
    oneOf: z.array(schemaNode).optional(),
    allOf: z.array(schemaNode).optional(),
  }),
);

export interface SchemaNode {
  $ref?: string | undefined;
  type?: string | string[] | undefined;
  format?: string | undefined;
  pattern?: string | undefined;
  enum?: unknown[] | undefined;
  const?: unknown;
  default?: unknown;
  minimum?: number | undefined;
  minLength?: number | undefined;
  minItems?: number | undefined;
  properties?: Record<string, SchemaNode> | undefined;
  required?: string[] | undefined;
  items?: SchemaNode | undefined;
  anyOf?: SchemaNode[] | undefined;
  oneOf?: SchemaNode[] | undefined;
  allOf?: SchemaNode[] | undefined;
}

const operation = z.looseObject({
  operationId: z.string(),
  description: z.string().default(''),
  'x-any-body': z.boolean().default(false),
  'x-required-role': z.enum(['open', 'viewer', 'operator', 'admin']),
  parameters: z
    .array(z.object({ in: z.enum(['path', 'query', 'header']), name: z.string(), schema: schemaNode }))
    .default([]),
  requestBody: z
    .object({
      required: z.boolean().default(false),
      content: z.record(z.string(), z.object({ schema: schemaNode })),
    })
    .optional(),
  responses: z.record(z.string(), z.unknown()),
});

const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), schemaNode) }),
});

export interface DocumentedOperation extends z.infer<typeof operation> {
  name: string;
  method: string;
  path: string;
  /** Of a JSON body; absent when it takes none, or one that is not (only) JSON. */
  bodySchema: SchemaNode | undefined;
}

export interface Api {
  operations: DocumentedOperation[];
  /** Follows a reference. */
  resolve(schema: SchemaNode): SchemaNode;
}

export function readDocument(json: unknown): Api {
  const { paths, components } = document.parse(json);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, each]) => ({
      ...each,
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      bodySchema: jsonBodyOf(each.requestBody),
    })),
  );
  return {
    operations,
    resolve(schema) {
      if (schema.$ref === undefined) return schema;
      const found = components.schemas[schema.$ref.split('/').at(-1) ?? ''];
      if (found === undefined) throw new Error(`The document has no ${schema.$ref}`);
      return found;
    },
  };
}

function jsonBodyOf(body: DocumentedOperation['requestBody']): SchemaNode | undefined {
  const types = Object.keys(body?.content ?? {});
  return types.length === 1 ? body?.content['application/json']?.schema : undefined;
}

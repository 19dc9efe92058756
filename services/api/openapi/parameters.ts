import { z } from 'zod';
import type { ZodOpenApiParameterObject } from 'zod-openapi';
import { type Operation, takesIdempotencyKey } from '../../../shared/http/operation.ts';

/**
 * Parameters travel as text and are declared as what they become (`queryInteger` gives an integer), which is
 * the output side of their schemas; bodies are documented from the input side.
 */
function describe(place: 'path' | 'query', fields: z.ZodObject | undefined): ZodOpenApiParameterObject[] {
  return Object.entries(fields?.shape ?? {}).map(([name, field]) => {
    const { $schema: _, ...schema } = asJson(z.toJSONSchema(field, { io: 'output' }));
    return {
      in: place,
      name,
      required: place === 'path' || !z.safeParse(field, undefined).success,
      ...(schema.description !== undefined && { description: schema.description }),
      schema,
    };
  });
}

/** What JSON carries of it: without the markers that zod puts on its own objects. */
const asJson = (schema: unknown) => JSON.parse(JSON.stringify(schema));

export const pathParameters = ({ params }: Operation) => describe('path', params);
export const queryParameters = ({ query }: Operation) => describe('query', query);

/** The headers that the frame reads. */
export function requestHeaders(operation: Operation): ZodOpenApiParameterObject[] {
  if (!takesIdempotencyKey(operation)) return [];
  return [
    {
      in: 'header',
      name: 'Idempotency-Key',
      required: false,
      description: 'The same key and body again give the first answer again, for 24 hours',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    },
  ];
}

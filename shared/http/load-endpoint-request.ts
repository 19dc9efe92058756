import { z } from 'zod';

/** What is asked of one endpoint of a load test, and what a target's catalogue tells of it. */

/** Of a load test, and of its parts. */
export const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^\P{Cc}*$/u, 'must not have control characters');
/** Figures and weights are kept by it: a name that every object has would be found where there is none. */
const endpointName = name.refine(
  text => !(text in Object.prototype),
  'must not be what every object has, such as constructor',
);
export const weight = z.number().min(0).max(1_000_000);

/** Fields of RFC 9110 and 9112 that are the connection's own, and the one by which our requests are known. */
const ownHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);
/** What viewers see in place of a header's value that is secret. */
export const hiddenValue = '[hidden]';
const headers = z.record(
  z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/i, 'is not the name of a header')
    .refine(header => !ownHeaders.has(header.toLowerCase()), 'is set by Muster itself'),
  z
    .string()
    .max(8192)
    .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'must be one line of Latin-1 text')
    .refine(
      value => value !== hiddenValue,
      'is what viewers see in place of the value: give the value itself',
    ),
);

export const endpoint = z
  .strictObject({
    name: endpointName,
    url: z
      .string()
      .min(1)
      .max(2000)
      .describe('A path with query, or a URL of the same origin as `target_url`'),
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']).default('GET'),
    weight: weight.default(1).describe('Relative to the other endpoints; 0 is never chosen'),
    timeout: z.number().min(0.001).max(600).default(30).describe('Seconds'),
    headers: headers.optional(),
    body: z
      .union([z.string(), z.record(z.string(), z.json())])
      .optional()
      .describe('A text as it is, or an object, which is sent as JSON'),
    description: z.string().max(500).optional(),
  })
  .meta({ id: 'LoadEndpointRequest' });
export type EndpointRequest = z.output<typeof endpoint>;

/** What a target lists at `/catalogue`; what it says beyond this is its own business. */
export const catalogueSchema = z.object({
  endpoints: z.array(z.object({ ...endpoint.shape, requires_login: z.boolean().default(false) })).max(1000),
});

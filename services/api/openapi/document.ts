import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { type Operation, type ResponseSpec, takesIdempotencyKey } from '../../../shared/http/operation.ts';
import { problem } from '../../../shared/http/problem.ts';
import type { ErrorCode } from '../../../shared/kernel/errors.ts';
import { statusOf } from '../middleware/problem.ts';
import { pathParameters, queryParameters, requestHeaders } from './parameters.ts';

const about = `Muster makes test users in an application, drives load with them and cleans up after itself.

- Times are UTC, ISO 8601. Ids are UUIDs. Fields are \`snake_case\`; an unknown field is a fault.
- A POST with an \`Idempotency-Key\` that had an answer gets that again, for 24 hours and for the same API key; with another
  body it is refused. What only reads, an import and an emergency stop ignore it: each says so.
- Long work answers \`202\` with a job; follow its \`Location\`.
- Lists answer \`{ items, next_cursor }\`; pass \`next_cursor\` as \`cursor\` for the next page.
- Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`, and \`errors\` with all faults of the input;
  so is what is no request of HTTP (\`malformed_request\` 400, \`request_timeout\` 408, \`expectation_failed\` 417, \`headers_too_large\` 431);
  a browser that opens a link gets a page, or the login.
- Every answer has an \`X-Request-Id\`; one that is sent is taken over.`;

/** The OpenAPI 3.1 document of these operations. */
export function createOpenApiDocument(operations: readonly Operation[], version: string) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describeOperation(operation) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Muster', version, description: about, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map(name => ({ name })),
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-muster_session',
          description: 'From the login page; over plain HTTP its name is `muster_session`',
        },
      },
    },
  });
}

const noKeys = 'An `Idempotency-Key` is ignored: to send the same again does no harm, and is answered anew.';

function describeOperation(operation: Operation): ZodOpenApiOperationObject {
  const { id, tag, summary, description, role } = operation;
  const needs = role === 'open' ? 'Open: needs no key.' : `Needs the role \`${role}\`.`;
  const repeat = operation.method === 'post' && !takesIdempotencyKey(operation) ? noKeys : undefined;
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: [description, repeat, needs].filter(text => text !== undefined).join('\n\n'),
    security: role === 'open' ? [] : [{ apiKey: [] }, { bearer: [] }, { session: [] }],
    'x-required-role': role,
    ...(operation.anyBody && { 'x-any-body': true }),
    parameters: [...pathParameters(operation), ...queryParameters(operation), ...requestHeaders(operation)],
    ...describeBody(operation),
    responses: { ...describeProblems(operation), ...describeReplies(operation) },
  };
}

function describeBody({ body, rawBody }: Operation): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  if (rawBody !== undefined) {
    const media = { schema: rawBody.schema ?? z.string() };
    const content = Object.fromEntries(rawBody.contentTypes.map(type => [type, media]));
    return { requestBody: { required: true, description: rawBody.description, content } };
  }
  if (body === undefined) return {};
  const required = !body.safeParse(undefined).success;
  return { requestBody: { required, content: { 'application/json': { schema: body } } } };
}

function describeReplies({ responses }: Operation): ZodOpenApiResponsesObject {
  return Object.fromEntries(
    Object.entries(responses).map(([status, spec]: [string, ResponseSpec]) => [status, describeReply(spec)]),
  );
}

function describeReply({ description, schema, contentTypes = ['application/json'], headers }: ResponseSpec) {
  const media = { schema: schema ?? z.string() };
  const isEmpty = schema === undefined && contentTypes[0] === 'application/json';
  const described = Object.entries(headers ?? {}).map(([name, text]) => [
    name,
    { description: text, schema: { type: 'string' } },
  ]);
  return {
    description,
    headers: Object.fromEntries(described),
    ...(!isEmpty && { content: Object.fromEntries(contentTypes.map(type => [type, media])) }),
  };
}

/** The codes that the frame itself may answer to this operation. */
function codesOf(operation: Operation): ErrorCode[] {
  const { role, params, secretAnswer, errors = [] } = operation;
  return [
    'invalid_json', // a body is read, and refused, also where none is taken
    'payload_too_large',
    'unsupported_media_type',
    'validation_failed',
    'internal_error',
    'dependency_unavailable',
    ...(role === 'open' ? [] : (['unauthenticated', 'forbidden', 'rate_limited'] as const)),
    ...(params ? (['not_found'] as const) : []),
    ...(takesIdempotencyKey(operation) ? (['idempotency_key_reused'] as const) : []),
    ...(secretAnswer ? (['conflict'] as const) : []),
    ...errors,
  ];
}

function describeProblems(operation: Operation): ZodOpenApiResponsesObject {
  const byStatus = Object.groupBy(new Set(codesOf(operation)), code => statusOf[code]);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes = []]) => [
      status,
      {
        description: `${STATUS_CODES[status]}: ${codes.map(code => `\`${code}\``).join(', ')}`,
        content: { 'application/problem+json': { schema: problem } },
      },
    ]),
  );
}

import { z } from 'zod';

/** The body of every error: RFC 9457, with Muster's code, the request's id and, for bad input, all faults. */
export const problem = z
  .object({
    type: z.string().describe('`urn:muster:problem:` and the code'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What was wrong, and what to do'),
    code: z.string().describe('Stable; what a client matches on'),
    request_id: z.string(),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .describe('`/a/b`: RFC 6901 into the body; `?a`: a query parameter; `header:A`: a header'),
          code: z.string(),
          detail: z.string(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problem>;

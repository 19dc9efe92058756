import type { z } from 'zod';

/** An answer that a handler gives by throwing: a status, and the code and message of the body. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message = '') {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
  }
}

/** The query, path or body of a request, parsed; a 400 that names every fault otherwise. */
export function parse<T>(schema: z.ZodType<T>, input: unknown, part: 'query' | 'path' | 'body'): T {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new Refusal(400, `invalid_${part}`, faultsOf(parsed.error, part));
  return parsed.data;
}

const faultsOf = (error: z.ZodError, part: string): string =>
  error.issues.map(issue => `${issue.path.join('.') || part}: ${issue.message}`).join('; ');

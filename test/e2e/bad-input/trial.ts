import type { CallOptions } from '../../fixtures/api.ts';

/** A request to be sent, and what must be answered. */
export interface Trial extends CallOptions {
  label: string;
  path?: string;
  /** The statuses that are right; by default any 2xx or 4xx. */
  statuses?: readonly number[];
  /** A fault must be reported at each of these, at what contains it, or within it. */
  pointers?: string[];
  /** Trials of one place each, of all of which this is one: for where it was not refused by the schema. */
  alone?: (Trial & { pointer: string })[];
}

/** The statuses of a refusal. */
export const refusals = [400, 401, 403, 404, 405, 409, 413, 415, 422];

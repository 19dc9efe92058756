import { z } from 'zod';

/** Field schemas that requests of several features share. */

export const uuid = z.uuid({ error: 'must be a UUID' });

/** A UTC instant, or one with an offset. Postgres has no year 0, so neither has the API. */
export const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time such as 2026-01-31T12:00:00Z' })
  .refine(text => !text.startsWith('0000'), 'must be in the year 1 or later');

/** An instant in an answer. */
export const timestamp = z.iso.datetime({ offset: true });

/** An integer of the query string: decimal digits only, so that neither an empty text nor `1e3` counts as one. */
export const queryInteger = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be an integer')
    .transform(Number)
    .pipe(z.int().min(min).max(max));

/** `true` or `false` of the query string. */
export const queryFlag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform(text => text === 'true')
  .pipe(z.boolean());

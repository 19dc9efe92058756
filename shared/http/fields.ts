import { z } from 'zod';

/** Field schemas that requests of several features share. */

export const uuid = z.uuid({ error: 'must be a UUID' });

/** An instant in an answer. */
export const timestamp = z.iso.datetime({ offset: true });

/** An integer of the query string: decimal digits only, so that neither an empty text nor `1e3` counts as one. */
export const queryInteger = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be an integer')
    .transform(Number)
    .pipe(z.int().min(min).max(max));

/** The name of a template of bulk creation. */
export const templateName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be 1 to 64 lower case letters, digits, _ and -');

import { z } from 'zod';

/** Field schemas that requests of several features share. */

/** Comes out in lower case, as Postgres writes it: texts of the same UUID are then the same, wherever they are compared. */
export const uuid = z.uuid({ error: 'must be a UUID' }).overwrite(text => text.toLowerCase());

/** An instant in an answer. */
export const timestamp = z.iso.datetime({ offset: true });

/** The first moment that requests know. */
export const firstMs = Date.parse('0001-01-01T00:00:00Z');
const lastMs = Date.parse('9999-12-31T23:59:59.999Z');
const isInRange = (ms: number): boolean => ms >= firstMs && ms <= lastMs;

/** An instant in a request, of any offset: comes out in UTC with milliseconds, and is one that Postgres can hold. */
export const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time with an offset' })
  .refine(text => isInRange(Date.parse(text)), 'must be of the years 1 to 9999')
  .overwrite(text => (Number.isNaN(Date.parse(text)) ? text : new Date(text).toISOString()));

/** A day in a request from which days, weeks and years are counted: far enough from where a calendar ends. */
export const day = z.iso
  .date()
  .refine(text => text >= '1950-01-01' && text < '2200', 'must be between 1950 and 2199');

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
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'must be 1 to 64 lower case letters, digits, _ and -, a letter first');

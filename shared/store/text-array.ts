import { type SQL, sql } from 'drizzle-orm';

/**
 * Texts as one parameter, for `unnest`: an array literal (PostgreSQL, "Array Input Syntax"), which the server takes apart
 * in half the time that `jsonb_to_recordset` needs. Cast it to the type of its elements, such as `::timestamptz[]`.
 */
export const textArray = (texts: readonly (string | null)[]): SQL =>
  sql`${`{${texts.map(element).join(',')}}`}`;

const element = (text: string | null): string =>
  text === null ? 'null' : `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

import { type SQL, sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { parseAsWritten } from '../kernel/json-as-written.ts';

/** JSON as the database wrote it, of the type that its column is declared to have. */
export const parseColumn = <Value>(text: string): Value => parseAsWritten(text) as Value;

/** A column of jsonb, selected with its numbers as the database has them: the driver would round them. */
export const jsonAsWritten = <Column extends AnyPgColumn>(column: Column): SQL<Column['_']['data']> =>
  sql`${column}::text`.mapWith(parseColumn<Column['_']['data']>);

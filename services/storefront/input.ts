import express from 'express';
import { z } from 'zod';

/** The id of a row, as far as Postgres' integer goes. */
export const rowId = z.number().int().min(1).max(2_147_483_647);

/** The same in a path or a query, where everything is text. */
const rowIdText = z.coerce.number().pipe(rowId);

export const pathWithId = z.object({ id: rowIdText });

/** What a visitor searches for. Postgres has no NUL in text. */
export const searchText = z
  .string()
  .min(1)
  .max(100)
  .refine(text => !text.includes('\u0000'), 'must not contain NUL');

/** A page of a list: how many, and from where on. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: rowIdText.optional(),
});

/** Reads a JSON body, for the few routes that take one. */
export const readJson = express.json({ limit: 16 * 1024 });

/** A page out of up to `limit + 1` rows: the one too many says that there is a next page, and where it starts. */
export function pageOf<T extends { id: number }>(rows: T[], limit: number) {
  const items = rows.slice(0, limit);
  return { items, next_cursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}

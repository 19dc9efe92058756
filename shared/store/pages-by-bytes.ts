import { portions } from '../kernel/portions.ts';

/** As much as may wait for a reader who does not read. Larger pages make an export no faster. */
const pageBytes = 256 * 1024;
/** What a row has besides its attributes, about. */
const plainBytes = 256;

/** Rows in the order of their ids, in two ways. */
export interface Rows<Row> {
  /** How many bytes the attributes of the next rows have. */
  measure(afterId: string | undefined, limit: number): Promise<number[]>;
  read(afterId: string | undefined, limit: number): Promise<Row[]>;
}

/**
 * All rows in pages of so many bytes rather than rows, since attributes may be long: a page is in memory until somebody has
 * read it. No transaction waits for that: a row is as it is when its page is read.
 * @param pageSize rows measured at once
 */
export async function* pagesByBytes<Row extends { id: string }>(
  { measure, read }: Rows<Row>,
  { pageSize = 1000, signal }: { pageSize?: number | undefined; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Row[]> {
  let afterId: string | undefined;
  for (;;) {
    const widths = await measure(afterId, pageSize);
    if (widths.length === 0) return;
    for (const { length } of portions(widths, bytes => bytes + plainBytes, { maxBytes: pageBytes })) {
      signal?.throwIfAborted();
      const rows = await read(afterId, length);
      if (rows.length > 0) yield rows;
      afterId = rows.at(-1)?.id ?? afterId;
    }
  }
}

/** Takes COPY's binary format (PostgreSQL, "COPY", File Formats) apart as far as to tell its rows from each other. */

/** What a page of rows begins with: the signature, no flags, no extension. */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const trailer = Buffer.from([0xff, 0xff]);

/**
 * The rows from the one numbered `offset` on, `limit` of them at most, of COPY's output that comes in pieces: as output
 * of their own.
 */
export async function sliceBinary(
  source: AsyncIterable<Buffer>,
  { offset, limit }: { offset: number; limit: number },
): Promise<Buffer> {
  const rows: Buffer[] = [];
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  let start = header.length;
  for await (const piece of source) {
    const bytes = Buffer.concat([rest, piece]);
    for (let end = endOfRow(bytes, start); end !== undefined; end = endOfRow(bytes, start)) {
      if (number >= offset) rows.push(bytes.subarray(start, end));
      if (rows.length === limit) return Buffer.concat([header, ...rows, trailer]);
      number += 1;
      start = end;
    }
    const whole = Math.min(start, bytes.length);
    rest = bytes.subarray(whole);
    start -= whole;
  }
  return Buffer.concat([header, ...rows, trailer]);
}

/** Where the row at `start` ends; undefined when it goes on in the next piece, or is the trailer. */
function endOfRow(bytes: Buffer, start: number): number | undefined {
  if (bytes.length < start + 2) return undefined;
  const fields = bytes.readInt16BE(start);
  if (fields < 0) return undefined;
  let at = start + 2;
  for (let field = 0; field < fields; field++) {
    if (bytes.length < at + 4) return undefined;
    at += 4 + Math.max(bytes.readInt32BE(at), 0); // -1: NULL
  }
  return at <= bytes.length ? at : undefined;
}

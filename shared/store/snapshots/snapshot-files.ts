import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import {
  type CopyEncoding,
  isSealed,
  type SnapshotManifest,
  type SnapshotTable,
  snapshotManifest,
} from '../../contracts/snapshots.ts';
import { AppError, messageOf } from '../../kernel/errors.ts';
import type { BundleStore } from '../../platform/bundles.ts';

/** How a snapshot lies in its bundle, read with distrust: what is not as it was written is an error, never a value. */
export const manifestPart = 'manifest.json';
export const partOf = (index: number): string => `${String(index + 1).padStart(3, '0')}.copy.zst`;

/** Bytes go on in pieces of this size: the rows come one by one, and each piece costs a few microseconds. */
const pieceBytes = 256 * 1024;

/** Each chunk is a trip to the thread pool: with Node's 16 KiB there would be hundreds. */
const inLargeChunks = { chunkSize: pieceBytes };

export interface Digest {
  bytes: number;
  /** SHA-256 in hex. */
  checksum: string;
}

/** Passes bytes on in larger pieces; `digest` is of all of them, once they have passed. */
export function digesting(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> & { digest(): Digest } {
  const hash = createHash('sha256');
  let bytes = 0;
  async function* pass(): AsyncGenerator<Buffer> {
    for await (const piece of inPieces(source)) {
      hash.update(piece);
      bytes += piece.length;
      yield piece;
    }
  }
  return Object.assign(pass(), { digest: () => ({ bytes, checksum: hash.digest('hex') }) });
}

async function* inPieces(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = [];
  let size = 0;
  for await (const piece of source) {
    if (size === 0 && piece.length >= pieceBytes) {
      yield piece; // as it is: each copy hastens the next collection of garbage
      continue;
    }
    gathered.push(piece);
    size += piece.length;
    if (size < pieceBytes) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(gathered);
}

export const digestAll = async (source: AsyncIterable<Buffer>): Promise<Digest> => {
  const passing = digesting(source);
  for await (const _ of passing);
  return passing.digest();
};

export async function* compress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* through(createZstdCompress(inLargeChunks), source);
}

async function* through(
  transform: ReturnType<typeof createZstdCompress>,
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const done = pipeline(source, transform);
  done.catch(() => {}); // the reader of the transform rejects with the same
  yield* transform;
  await done;
}

/** @throws AppError `not_found`, or `snapshot_damaged` when the manifest is not as it was written */
export async function readManifest(store: BundleStore, name: string): Promise<SnapshotManifest> {
  const source = await store.read(name, manifestPart);
  if (source === undefined && !(await store.has(name)))
    throw new AppError('not_found', `There is no snapshot ${name}`);
  if (source === undefined) throw damaged(name, 'its manifest is missing');
  const parsed = snapshotManifest.safeParse(parseJson(await textOf(source)));
  if (!parsed.success || !isSealed(parsed.data) || parsed.data.name !== name)
    throw damaged(name, 'its manifest is not as it was written');
  return parsed.data;
}

/** The rows of a snapshot of format 1 are text. */
export const encodingOf = ({ encoding = 'text' }: SnapshotTable): CopyEncoding => encoding;

/**
 * A table's rows as COPY gave them, in pieces; ends with an error unless they are what was written, to the last byte.
 * @throws AppError `snapshot_damaged`
 */
export async function* readRows(
  store: BundleStore,
  { name, tables }: SnapshotManifest,
  table: SnapshotTable,
): AsyncGenerator<Buffer> {
  const source = await store.read(name, partOf(tables.indexOf(table)));
  if (source === undefined) throw damaged(name, `the rows of ${table.name} are missing`);
  const passing = digesting(decompressed(source, name, table));
  yield* passing;
  if (passing.digest().checksum !== table.checksum)
    throw damaged(name, `the rows of ${table.name} are not those that were written`);
}

/** Begins at once, and is up to four pieces ahead of its reader, who is told of what goes wrong when it comes to that. */
export function readAhead(rows: AsyncIterable<Buffer>): Readable {
  const ahead = Readable.from(rows, { highWaterMark: 4 });
  ahead.on('error', () => {}); // the reader rejects with it
  ahead.read(0);
  return ahead;
}

async function* decompressed(
  source: AsyncIterable<Buffer>,
  name: string,
  table: SnapshotTable,
): AsyncGenerator<Buffer> {
  try {
    yield* through(createZstdDecompress(inLargeChunks), source);
  } catch (error) {
    throw damaged(name, `the rows of ${table.name} cannot be read: ${messageOf(error)}`);
  }
}

const damaged = (name: string, what: string): AppError =>
  new AppError('snapshot_damaged', `The snapshot ${name} is damaged: ${what}`, {
    hint: 'Delete it and make it anew; nothing was changed.',
  });

async function textOf(source: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

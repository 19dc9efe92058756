import { type ParsedTokenInfo, TokenType } from '@streamparser/json';
import { AppError, type Fault, messageOf } from '../kernel/errors.ts';
import { parseAsWritten } from '../kernel/json-as-written.ts';
import { exactJsonParser } from './exact-json-parser.ts';

/**
 * Reads many JSON values from a stream that is longer than memory: the elements of one array of a document, or lines.
 * Memory holds one value and one piece of the stream; a value that is longer than `maxRowBytes` ends the reading.
 */
export interface JsonRow {
  /** From 0: of the element in its array; of NDJSON, of the line. */
  index: number;
  value: unknown;
  /** Why the line is not JSON; the document as a whole is broken instead, which is an error. */
  fault?: string;
}

export interface JsonRowLimits {
  maxRowBytes: number;
}

export interface LineLimits extends JsonRowLimits {
  /** Lines in all, empty ones too: a megabyte of gzip may hold a milliard of them. */
  maxLines: number;
}

const tooLong = ({ maxRowBytes }: JsonRowLimits) =>
  new AppError('payload_too_large', `One row is longer than the limit of ${maxRowBytes} bytes`);

const tooManyLines = ({ maxLines }: LineLimits) =>
  new AppError(
    'payload_too_large',
    `There are more than ${maxLines.toLocaleString('en')} lines, which is the limit; empty ones count`,
  );
const tooBlank = ({ maxRowBytes }: JsonRowLimits) =>
  new AppError(
    'payload_too_large',
    `More than ${maxRowBytes} bytes of empty lines follow one another, which is the limit of a row`,
  );

const newline = 10;

/**
 * NDJSON: one value a line, its numbers as they are written; empty lines are passed over, and counted. A line that is not
 * JSON is a row with a fault.
 * @throws AppError `payload_too_large` for a row, a run of empty lines, or a number of lines beyond the limits
 */
export async function* readNdjson(
  source: AsyncIterable<Uint8Array>,
  limits: LineLimits,
): AsyncGenerator<JsonRow[]> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let blankBytes = 0;
  let index = 0;
  for await (const piece of source) {
    const rows: JsonRow[] = [];
    let start = 0;
    for (let end = piece.indexOf(newline); end !== -1; end = piece.indexOf(newline, start)) {
      if (restBytes + end - start > limits.maxRowBytes) throw tooLong(limits);
      const line = joined(rest, piece.subarray(start, end));
      rest = [];
      restBytes = 0;
      if (index === limits.maxLines) throw tooManyLines(limits);
      const row = rowOfLine(line, index);
      if (row !== undefined) rows.push(row);
      blankBytes = row === undefined ? blankBytes + line.length + 1 : 0;
      if (blankBytes > limits.maxRowBytes) throw tooBlank(limits);
      index += 1;
      start = end + 1;
    }
    if (rows.length > 0) yield rows;
    if (start === piece.length) continue;
    rest.push(piece.subarray(start));
    restBytes += piece.length - start;
    if (restBytes > limits.maxRowBytes) throw tooLong(limits);
  }
  const last = rowOfLine(Buffer.concat(rest), index);
  if (last === undefined) return;
  if (index === limits.maxLines) throw tooManyLines(limits);
  yield [last];
}

const joined = (parts: Uint8Array[], last: Uint8Array): Uint8Array =>
  parts.length === 0 ? last : Buffer.concat([...parts, last]);

const utf8 = new TextDecoder('utf-8', { fatal: true });

function rowOfLine(line: Uint8Array, index: number): JsonRow | undefined {
  if (line.length === 0) return undefined;
  try {
    const text = utf8.decode(line).trim();
    return text === '' ? undefined : { index, value: parseAsWritten(text) };
  } catch (error) {
    return { index, value: undefined, fault: messageOf(error) };
  }
}

/** What a document has beside its array. */
export interface Beside {
  /** The fields whose values are wanted; of another one only the name is. */
  fields: readonly string[];
  /** What is wrong with those that came until now: looked at before any element is given, and at the end. */
  judge(found: Readonly<Record<string, unknown>>): Fault[];
}

/**
 * The elements of the array `field` of a JSON document that is an object.
 * @throws AppError `invalid_json` for what is not JSON or breaks off, `validation_failed` for another document
 */
export async function* readJsonArray(
  source: AsyncIterable<Uint8Array>,
  field: string,
  limits: JsonRowLimits,
  beside: Beside,
): AsyncGenerator<JsonRow[]> {
  const strict = new TextDecoder('utf-8', { fatal: true });
  const paths = [`$.${field}.*`, ...beside.fields.map(name => `$.${name}`)];
  const found = new Map<string, unknown>();
  let arrays = 0;
  let rows: JsonRow[] = [];
  let index = 0;
  /** All of it until the first row: whether there is an array at all is seen only at the end of a short document. */
  let head: Uint8Array[] = [];
  let bytesSinceRow = 0;
  const parser = exactJsonParser(paths, {
    onToken: namesOfFields(name => {
      if (name === field) arrays += 1;
      else found.set(name, undefined);
    }),
    onValue({ key, value, stack }) {
      if (stack.length === 1) {
        found.set(String(key), value);
        return;
      }
      if (typeof key !== 'number') throw refusal([noArray(field)]);
      rows.push({ index, value });
      index += 1;
    },
  });
  const judge = (more: Fault[] = []) => {
    const repeated = arrays > 1 ? [twice(field)] : [];
    const faults = [...beside.judge(Object.fromEntries(found)), ...repeated, ...more];
    if (faults.length > 0) throw refusal(faults);
  };
  for await (const piece of source) {
    parsing(() => {
      strict.decode(piece, { stream: true });
      parser.write(piece);
    });
    if (index === 0) head.push(piece);
    else head = [];
    bytesSinceRow = rows.length > 0 ? 0 : bytesSinceRow + piece.length;
    if (bytesSinceRow > limits.maxRowBytes) throw tooLong(limits);
    if (rows.length === 0) continue;
    judge();
    yield rows;
    rows = [];
  }
  parsing(() => {
    strict.decode();
    parser.end();
  });
  judge(index === 0 && !hasArray(Buffer.concat(head), field) ? [noArray(field)] : []);
}

/** Tells the names of the document's own fields as they come. */
function namesOfFields(tell: (name: string) => void): (token: ParsedTokenInfo) => void {
  let depth = 0;
  let text = '';
  return ({ token, value }) => {
    if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) depth += 1;
    else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) depth -= 1;
    else if (depth !== 1) return;
    else if (token === TokenType.STRING) text = String(value);
    else if (token === TokenType.COLON) tell(text);
  };
}

function parsing(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('invalid_json', `The body is not valid JSON: ${messageOf(error)}`, { cause: error });
  }
}

const noArray = (field: string): Fault => ({
  pointer: `/${field}`,
  code: 'wrong_type',
  detail: 'must be an array',
});

/** Most readers of JSON would pass over one of the two without a word. */
const twice = (field: string): Fault => ({
  pointer: `/${field}`,
  code: 'duplicate',
  detail: 'is in the document twice: put all rows into one array',
});

const refusal = (faults: Fault[]) =>
  new AppError('validation_failed', faults.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; '), {
    faults,
  });

function hasArray(document: Buffer, field: string): boolean {
  let value: unknown;
  parsing(() => {
    value = JSON.parse(document.toString('utf8').replace(/^\ufeff/, ''));
  });
  const found = typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
  return Array.isArray(found);
}

declare global {
  interface JSON {
    // ECMAScript 2026 (JSON.parse source text access), which TypeScript does not know yet.
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source: string }) => unknown,
    ): unknown;
    rawJSON(text: string): unknown;
    isRawJSON(value: unknown): value is { readonly rawJSON: string };
  }
}

/**
 * JSON whose numbers stay as they are: one that JavaScript would write in another way, 1.50 or of twenty digits, is kept as it is
 * written, and `JSON.stringify` gives it back so.
 */
export const parseAsWritten = (text: string): unknown =>
  mayHoldOtherNumbers.test(text)
    ? JSON.parse(text, (_, value, { source }) =>
        typeof value === 'number' ? numberAsWritten(source) : value,
      )
    : JSON.parse(text);

/** One number of such a JSON. */
export function numberAsWritten(source: string): unknown {
  const value = Number(source);
  return String(value) === source ? value : JSON.rawJSON(source);
}

/**
 * A number with a point, an exponent or sixteen digits, or that is -0, where a value may begin. All others JavaScript writes as
 * they are, and to look at every value takes seven times as long.
 */
const mayHoldOtherNumbers = /(?:^|"\s*:|[[,])\s*(?:-?\d+[.eE]|-?\d{16}|-0)/;

/**
 * The same value with JavaScript's numbers in its own fields, where a schema looks for them: to a schema a number that is kept as
 * written would pass for an object. Deeper ones stay as they are.
 */
export function withPlainFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (JSON.isRawJSON(value)) return plain(value);
  const entries = Object.entries(value);
  if (!entries.some(([, field]) => JSON.isRawJSON(field))) return value;
  return Object.fromEntries(entries.map(([name, field]) => [name, plain(field)]));
}

/** JSON of which only the numbers within a field of this name, wherever that stands, stay as they are written. */
export const parseFieldAsWritten = (text: string, field: string): unknown =>
  text.includes(`"${field}"`) ? withPlainOthers(parseAsWritten(text), field) : JSON.parse(text);

/** The same value with JavaScript's numbers wherever it is not within a field of this name. */
export function withPlainOthers(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return plain(value);
  if (Array.isArray(value)) return value.map(item => withPlainOthers(item, field));
  const entries = Object.entries(value).map(([name, inner]) => [
    name,
    name === field ? plain(inner) : withPlainOthers(inner, field),
  ]);
  return Object.fromEntries(entries);
}

const plain = (value: unknown): unknown => (JSON.isRawJSON(value) ? Number(value.rawJSON) : value);

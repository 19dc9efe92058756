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
        typeof value === 'number' && String(value) !== source ? JSON.rawJSON(source) : value,
      )
    : JSON.parse(text);

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

const plain = (value: unknown): unknown => (JSON.isRawJSON(value) ? Number(value.rawJSON) : value);

declare global {
  interface JSON {
    // ECMAScript 2026 (JSON.parse source text access), which TypeScript does not know yet.
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source: string }) => unknown,
    ): unknown;
    rawJSON(text: string): unknown;
  }
}

/**
 * JSON whose numbers stay as they are: one that JavaScript would write in another way, 1.50 or of twenty digits, is kept as it is
 * written, and `JSON.stringify` gives it back so.
 */
export const parseAsWritten = (text: string): unknown =>
  JSON.parse(text, (_, value, { source }) =>
    typeof value === 'number' && String(value) !== source ? JSON.rawJSON(source) : value,
  );

/** All but line breaks and tabs, with the marks that turn the direction of text around. */
const controls = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A text from elsewhere as a terminal may show it: names and messages can have anything in them, also the sequences that
 * move the cursor, write into the clipboard, or have a line say what was never said.
 */
export const printable = (text: string): string => text.replaceAll(controls, '\ufffd');

/** The same, on one line. */
export const printableCell = (text: string): string => printable(text).replaceAll(/[\n\t]/g, '\ufffd');

import { isUtf8 } from 'node:buffer';

/** What targets send besides what HTTP says, for all who ask them. */

/** Of the head of an answer: as much as Chrome takes. undici's own limit of 16 KiB is passed by some cookies and policies. */
export const maxHeadBytes = 256 * 1024;

/** A header's value as it was meant: HTTP has Latin-1, and many targets send paths in UTF-8, unescaped. */
export const textOfHeader = (value: Buffer): string => value.toString(isUtf8(value) ? 'utf8' : 'latin1');

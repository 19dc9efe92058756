import { randomInt } from 'node:crypto';

const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A salt of letters and digits, for formats in which the salt counts as the text that stands in the hash. */
export const textSalt = (length: number): string =>
  Array.from({ length }, () => characters[randomInt(characters.length)]).join('');

import { hash } from 'node:crypto';

/**
 * Which usernames came already, in 16 to 32 bytes each: a set of the texts would need five times that for a million.
 * Kept are 64 bits of a digest: of a million names, two are taken for one in one import of forty million.
 */
export function createSeenUsernames() {
  let table = createTable(1024);
  let size = 0;

  function grow() {
    const larger = createTable(table.length * 2);
    for (let slot = 0; slot < table.length; slot++) {
      const high = table.high[slot] ?? 0;
      const low = table.low[slot] ?? 0;
      if (high !== 0) put(larger, high, low);
    }
    table = larger;
  }

  return {
    /** Notes the name; false when it came before. */
    add(username: string): boolean {
      const digest = hash('sha1', username, 'binary');
      const isNew = put(table, wordAt(digest, 0) || 1, wordAt(digest, 4));
      if (!isNew) return false;
      size += 1;
      if (size * 2 > table.length) grow();
      return true;
    },
  };
}

export type SeenUsernames = ReturnType<typeof createSeenUsernames>;

/** Open addressing over a power of two of slots; a slot whose high word is 0 is free. */
interface Table {
  length: number;
  high: Uint32Array;
  low: Uint32Array;
}

const createTable = (length: number): Table => ({
  length,
  high: new Uint32Array(length),
  low: new Uint32Array(length),
});

/** Puts a digest into its slot; false when it is there. */
function put({ length, high, low }: Table, highWord: number, lowWord: number): boolean {
  const mask = length - 1;
  let slot = lowWord & mask;
  while (high[slot] !== 0) {
    if (high[slot] === highWord && low[slot] === lowWord) return false;
    slot = (slot + 1) & mask;
  }
  high[slot] = highWord;
  low[slot] = lowWord;
  return true;
}

/** Four bytes of a text that has one in each character. */
const wordAt = (text: string, at: number): number =>
  ((text.charCodeAt(at) << 24) |
    (text.charCodeAt(at + 1) << 16) |
    (text.charCodeAt(at + 2) << 8) |
    text.charCodeAt(at + 3)) >>>
  0;

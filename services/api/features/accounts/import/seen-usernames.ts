import { hash } from 'node:crypto';

/**
 * Which usernames came already, in 8 to 16 bytes each: a set of texts would need ten times that for a million. Kept are
 * 64 bits of a digest, so that two names of a million are taken for one in one import of forty million.
 */
export function createSeenUsernames() {
  let slots = new BigUint64Array(1024);
  let size = 0;

  /** The slot that has the digest, or the free one where it belongs (0 is a free slot). */
  function slotOf(digest: bigint, table: BigUint64Array): number {
    const mask = table.length - 1;
    let slot = Number(digest & BigInt(mask));
    while (table[slot] !== 0n && table[slot] !== digest) slot = (slot + 1) & mask;
    return slot;
  }

  function grow() {
    const larger = new BigUint64Array(slots.length * 2);
    for (const digest of slots) if (digest !== 0n) larger[slotOf(digest, larger)] = digest;
    slots = larger;
  }

  return {
    /** Notes the name; false when it came before. */
    add(username: string): boolean {
      const digest = hash('sha1', username, 'buffer').readBigUInt64LE() || 1n;
      const slot = slotOf(digest, slots);
      if (slots[slot] === digest) return false;
      slots[slot] = digest;
      size += 1;
      if (size * 2 > slots.length) grow();
      return true;
    },
  };
}

export type SeenUsernames = ReturnType<typeof createSeenUsernames>;

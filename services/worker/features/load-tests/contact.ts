/**
 * Since when Postgres has been heard of, and since when without a gap. Leases of others are judged only after some
 * steady time: at the end of an outage all of them look run out, and their holders are about to renew them.
 */
export interface Contact {
  /**
   * An answer has come.
   * @param at since when the next silence counts (`performance.now()`): since the question where it renews a lease, which may be
   *   as old as that; since the answer where it does not matter how long that took
   */
  heard(at: number): void;
  silentMs(): number;
  steadyMs(): number;
}

/** @param gapMs a silence longer than this starts the steady time anew */
export function createContact({ gapMs }: { gapMs: number }): Contact {
  let heardAt = performance.now();
  let steadySince = heardAt;
  return {
    heard(at) {
      if (performance.now() - heardAt > gapMs) steadySince = performance.now();
      heardAt = at;
    },
    silentMs: () => performance.now() - heardAt,
    steadyMs() {
      const now = performance.now();
      return now - heardAt > gapMs ? 0 : now - steadySince; // whoever asks in a silence is not in touch
    },
  };
}

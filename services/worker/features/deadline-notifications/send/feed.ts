/**
 * Work for several takers, fetched in batches by whoever finds that little is left, so that nobody waits for the next
 * batch while the present one lasts.
 */
export interface Feed<T> {
  /** The next item; undefined when there will be none. Rejects when a fetch has failed. */
  take(): Promise<T | undefined>;
  /** Ends the feed; gives what was fetched and nobody took. */
  close(): Promise<T[]>;
}

/** @param fetch the next batch, which may be empty; undefined when there is none */
export function createFeed<T>(fetch: () => Promise<T[] | undefined>, lowWater: number): Feed<T> {
  const backlog: T[] = [];
  let fetching: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;
  let exhausted = false;

  async function fetchMore(): Promise<void> {
    try {
      const batch = await fetch();
      if (batch === undefined) exhausted = true;
      else backlog.push(...batch);
    } catch (error) {
      failure = { error };
    } finally {
      fetching = undefined;
    }
  }

  return {
    async take() {
      for (;;) {
        if (failure !== undefined) throw failure.error;
        if (!exhausted && backlog.length <= lowWater) fetching ??= fetchMore();
        const item = backlog.shift();
        if (item !== undefined || exhausted) return item;
        await fetching;
      }
    },
    async close() {
      exhausted = true;
      await fetching;
      return backlog.splice(0);
    },
  };
}

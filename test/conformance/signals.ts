/** What happened, in order, for a test to wait on. */
export interface Signals<T> {
  readonly all: readonly T[];
  push(value: T): void;
  /** The first value, past or future, that fits; rejects after `timeoutMs`. */
  when(what: string, fits: (value: T) => boolean, timeoutMs?: number): Promise<T>;
}

export function createSignals<T>(): Signals<T> {
  const all: T[] = [];
  const waiting = new Set<(value: T) => void>();

  return {
    all,
    push(value) {
      all.push(value);
      for (const look of waiting) look(value);
    },
    when(what, fits, timeoutMs = 25_000) {
      const known = all.find(fits);
      if (known !== undefined) return Promise.resolve(known);
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const look = (value: T) => {
        if (fits(value)) resolve(value);
      };
      const timer = setTimeout(
        () => reject(new Error(`No ${what} within ${timeoutMs} ms; seen: ${JSON.stringify(all)}`)),
        timeoutMs,
      );
      waiting.add(look);
      return promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(look);
      });
    },
  };
}

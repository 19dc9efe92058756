/**
 * Ctrl-C, asked twice: the first time stops in order, the second time at once. `npm` passes a terminal's
 * Ctrl-C on although this process has already got it, so signals within a moment count as one.
 */
const sameMomentMs = 500;

export interface Interrupts {
  /** Aborted by the first signal. */
  readonly first: AbortSignal;
  /** Resolves with the first signal. */
  readonly asked: Promise<void>;
  /** What a signal does, for callers that learn of the end in another way. */
  interrupt(): void;
}

export function watchInterrupts(onSecond: () => void): Interrupts {
  const first = new AbortController();
  const asked = Promise.withResolvers<void>();
  let firstAt = 0;
  const interrupt = () => {
    if (!first.signal.aborted) {
      firstAt = performance.now();
      first.abort(new Error('interrupted'));
      asked.resolve();
    } else if (performance.now() - firstAt > sameMomentMs) onSecond();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  return { first: first.signal, asked: asked.promise, interrupt };
}

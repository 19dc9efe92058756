/**
 * Until when an engine may send without hearing that its shard is still its own. The main thread moves it on, the engine's reads
 * it: when the main thread is stuck, or the whole process was frozen and wakes after another worker has taken the
 * shard, nobody needs to tell the engine to send nothing.
 */
export interface SendFence {
  /** The memory that both threads share. */
  readonly memory: SharedArrayBuffer;
  /**
   * @param untilMs of this thread's `performance.now()`
   * @returns whether it was open until now: not for one moment closed
   */
  open(untilMs: number): boolean;
  isOpen(): boolean;
}

/** Closed, unless it is of another thread's `memory`. */
export function createSendFence(memory = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)): SendFence {
  const until = new Float64Array(memory);
  // Each thread has a `performance.now()` of its own; the clock beneath them is the same.
  const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  return {
    memory,
    open(untilMs) {
      const before = until[0] ?? 0;
      until[0] = untilMs + offsetMs;
      return performance.now() + offsetMs < before; // looked at after the change, so that no moment is missed
    },
    isOpen: () => performance.now() + offsetMs < (until[0] ?? 0),
  };
}

import { sleep } from '../../../../../shared/kernel/time.ts';
import type { NewTick } from '../../../../../shared/store/load-tests/load-ticks.ts';

export interface TickOutboxOptions {
  /** Gives false when the lease is void. */
  write: (ticks: NewTick[]) => Promise<boolean>;
  onVoid: () => void;
  onError: (error: unknown) => void;
}

export interface TickOutbox {
  add(tick: NewTick): void;
  /** Resolves when everything is written, or the lease is void. */
  flush(): Promise<void>;
}

const retryMs = 250;
/** Ticks in one transaction. */
const batchSize = 20;

/**
 * Writes a shard's ticks in their order, each until it is written: while Postgres is away they wait. They are never
 * many, since an engine that is cut off for a minute ends.
 */
export function createTickOutbox({ write, onVoid, onError }: TickOutboxOptions): TickOutbox {
  const waiting: NewTick[] = [];
  let isWriting = false;
  let written = Promise.resolve();

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchSize);
      try {
        const kept = await write(batch);
        waiting.splice(0, kept ? batch.length : waiting.length);
        if (!kept) onVoid();
      } catch (error) {
        onError(error);
        await sleep(retryMs);
      }
    }
    isWriting = false;
  }

  return {
    add(tick) {
      waiting.push(tick);
      if (isWriting) return;
      isWriting = true;
      written = writeAll();
    },
    flush: () => written,
  };
}

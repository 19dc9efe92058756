import { availableParallelism } from 'node:os';
import type { PasswordHasher } from './password-formats.ts';

/**
 * How many hashes a process makes at once. libuv's pool has four threads unless `UV_THREADPOOL_SIZE` says otherwise, and
 * resolving names waits for one too: one stays free, whatever the number of cores.
 */
export const hashesAtOnce = (threads: number): number =>
  Math.max(1, Math.min(availableParallelism(), threads - 1));

/** Hashes of some passwords, in their order, made on all cores; stops between two of them when `signal` aborts. */
export async function hashAll(
  hasher: PasswordHasher,
  passwords: readonly string[],
  { atOnce, signal }: { atOnce: number; signal: AbortSignal },
): Promise<string[]> {
  const hashes: string[] = [];
  const waiting = passwords.entries();
  const work = async () => {
    for (const [index, password] of waiting) {
      signal.throwIfAborted();
      hashes[index] = await hasher.hash(password);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return hashes;
}

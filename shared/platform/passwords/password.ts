import { hash, verify } from '@node-rs/argon2';

/** OWASP's first recommendation for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** A well-formed hash at the same cost that no password is known for: what an absent user is checked against. */
const decoyHash = [
  '$argon2id$v=19',
  `m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}`,
  'A'.repeat(22),
  'A'.repeat(43),
].join('$');

/**
 * Hashes a password with argon2id (the library's default) and a random salt, as a PHC string of 97 characters.
 * One hash is some 20 ms of one core and 19 MiB. It runs in libuv's thread pool, off the event loop, which
 * stays free to renew locks and answer; at most `UV_THREADPOOL_SIZE` (4) hashes run at once in a process.
 */
export const hashPassword = (password: string): Promise<string> => hash(password, cost);

/** The same with a given salt of 16 bytes: for test data that must come out the same everywhere, and nothing else. */
export const hashTestPassword = (password: string, salt: Uint8Array): Promise<string> =>
  hash(password, { ...cost, salt });

/**
 * Whether `password` is the one that was hashed, at the cost written in the hash; also in the thread pool.
 * Without a hash (no such user) it does the same work and is false, so that the time tells nothing.
 * A stored hash that is not argon2 matches no password: one broken row must not take the login down.
 */
export async function verifyPassword(storedHash: string | undefined, password: string): Promise<boolean> {
  const matches = await verify(storedHash ?? decoyHash, password).catch(() => false);
  return storedHash !== undefined && matches;
}

import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { accounts } from '../../drizzle/platform/schema/accounts.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { sleep } from '../../shared/kernel/time.ts';
import type { TestDatabases } from '../fixtures/database.ts';
import { type LoadTarget, startTarget } from '../fixtures/load-target.ts';
import { testVault } from '../fixtures/vault.ts';

/** A target that logs everybody in, slowly, and knows whom it saw. */
export interface CountingLogins extends LoadTarget {
  /** How often each name came. */
  readonly times: Map<string, number>;
  /** Who came again while an answer to them was under way. */
  readonly twiceAtOnce: string[];
}

const loginBody = z.object({ username: z.string() });
const answerMs = 100;

export async function countingLogins(): Promise<CountingLogins> {
  const times = new Map<string, number>();
  const present = new Set<string>();
  const twiceAtOnce: string[] = [];
  const target = await startTarget(async (request, response) => {
    const { username } = loginBody.parse(await json(request));
    times.set(username, (times.get(username) ?? 0) + 1);
    if (present.has(username)) twiceAtOnce.push(username);
    present.add(username);
    response.on('close', () => present.delete(username));
    await sleep(answerMs);
    response.setHeader('set-cookie', `session=${username}; Max-Age=3600`).end();
  });
  return Object.assign(target, { times, twiceAtOnce });
}

/** Accounts of the pool with a password; gives their batch. */
export async function insertPool({ platform }: TestDatabases, count: number): Promise<string> {
  const testBatchId = newId();
  const sealedPassword = testVault.seal('TestPass123!');
  await platform.db.insert(accounts).values(
    Array.from({ length: count }, (_, index) => ({
      ...{ username: `${testBatchId}-${index}`, email: `${testBatchId}-${index}@shop.example`, role: 'user' },
      ...{ testBatchId, sealedPassword, status: 'synced' as const },
    })),
  );
  return testBatchId;
}

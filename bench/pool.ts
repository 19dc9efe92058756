import { z } from 'zod';
import { runJob } from './jobs.ts';
import type { BenchStack } from './stack.ts';

const password = 'TestPass123!';
const batchResult = z.object({ batch_id: z.uuid() });

export interface PoolAccount {
  username: string;
  password: string;
}

/** Makes users in the application and puts them into the pool, with their passwords. */
export async function fillPool(
  stack: BenchStack,
  count: number,
): Promise<{ batchId: string; accounts: PoolAccount[] }> {
  const config = { username_pattern: 'pool_{id}@example.com', password };
  const job = await runJob(stack, 'POST', '/api/bulk-users/create', { count, config });
  const { batch_id: batchId } = batchResult.parse(job.result);
  const accounts = Array.from({ length: count }, (_, index) => ({
    username: `pool_${index + 1}@example.com`,
    password,
  }));
  const lines = accounts.map(({ username }) =>
    JSON.stringify({ username, email: username, test_batch_id: batchId, password }),
  );
  const response = await fetch(`${stack.apiUrl}/api/users/import`, {
    method: 'POST',
    headers: { 'X-API-Key': stack.apiKey, 'Content-Type': 'application/x-ndjson' },
    body: lines.join('\n'),
  });
  if (!response.ok) throw new Error(`The import answered ${response.status}: ${await response.text()}`);
  return { batchId, accounts };
}

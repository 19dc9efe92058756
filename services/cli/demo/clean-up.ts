import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { bulkUsersCleanup } from '../../../shared/contracts/bulk-cleanup.ts';
import { deleteAccountsOperation } from '../../../shared/http/accounts.ts';
import { deleteBatchOperation } from '../../../shared/http/bulk-lifecycle.ts';
import { exportApplicationUsersOperation } from '../../../shared/http/user-export.ts';
import type { Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import type { DemoBatch } from './create-users.ts';
import { watchToSuccess } from './job.ts';
import type { DemoScreen } from './screen.ts';
import type { Stage } from './stage.ts';

/** The application's production users, down to the last field. */
export interface ProductionUsers {
  count: number;
  digest: string;
  testUsers: number;
}

const exported = z.object({ is_test_user: z.boolean() });

/** Reads all users as they are exported: the order of an export is that of the users' keys. */
export async function readProductionUsers({ signal }: Context, { client }: Stage): Promise<ProductionUsers> {
  const hash = createHash('sha256');
  let [count, testUsers] = [0, 0];
  const source = client.download(exportApplicationUsersOperation, { query: { format: 'ndjson' } }, signal);
  for await (const line of createInterface({ input: Readable.from(source) })) {
    if (exported.parse(JSON.parse(line)).is_test_user) testUsers++;
    else {
      count++;
      hash.update(`${line}\n`);
    }
  }
  return { count, testUsers, digest: hash.digest('hex').slice(0, 16) };
}

/** Deletes the batch and its accounts, and shows that nobody else is any different from before. */
export async function cleanUp(
  context: Context,
  stage: Stage,
  screen: DemoScreen,
  { batch, before }: { batch: DemoBatch; before: ProductionUsers },
): Promise<void> {
  const { tables } = await screen.step(
    () => deleteBatch(context, stage, batch),
    ({ deleted_count }) => `${deleted_count.toLocaleString('en')} test users deleted, and what hangs on them`,
  );
  screen.detail(
    'rows',
    Object.entries(tables)
      .map(([table, rows]) => `${rows} ${table}`)
      .join(', '),
  );
  const { deleted } = await stage.client.change(deleteAccountsOperation, { query: { batch_id: batch.id } });
  screen.detail('accounts', `${deleted.toLocaleString('en')} forgotten by the load tester`);
  const after = await readProductionUsers(context, stage);
  const told = `${after.count} production users before and after, digest ${after.digest}`;
  if (after.count !== before.count || after.digest !== before.digest) {
    throw new CliFailure(
      'failed',
      `The production users are not what they were: ${before.digest}, then ${told}`,
    );
  }
  if (after.testUsers !== before.testUsers) {
    throw new CliFailure('failed', `${after.testUsers} test users are left, of ${before.testUsers} before`);
  }
  screen.detail('untouched', told);
}

async function deleteBatch(context: Context, { client }: Stage, { id, count }: DemoBatch) {
  const job = await client.submit(deleteBatchOperation, { params: { batch_id: id } });
  const result = bulkUsersCleanup.output.parse(await watchToSuccess(context, client, job.id, 'cleanup'));
  if (result.deleted_count === count) return result;
  throw new CliFailure('failed', `The cleanup deleted ${result.deleted_count} users, not ${count}`);
}

import { type LoadTestConfig, peakUsersOf } from '../../../../shared/contracts/load-tests.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import {
  accountNeedOf,
  countFreeAccounts,
  leastAccounts,
} from '../../../../shared/store/load-tests/account-leases.ts';

/** Whether the pool has accounts for this test now; looked at again when it starts. @throws AppError `not_enough_accounts` */
export async function assertAccounts(db: Executor, config: LoadTestConfig): Promise<void> {
  const need = accountNeedOf(config);
  if (need === undefined) return;
  const [wanted, found] = [leastAccounts(need), await countFreeAccounts(db, need)];
  if (found >= wanted) return;
  const detail = `has ${found} free accounts that can log in, and ${wanted} are needed: ${wanted - found} are missing`;
  throw new AppError('not_enough_accounts', `/user_pool ${detail}`, {
    hint: 'Import or sync more accounts, wait for other runs, or use the policy round_robin or shared.',
    faults: [{ pointer: '/user_pool', code: 'not_enough_accounts', detail }],
  });
}

/** Under `unique` there are accounts for as many users as were asked for, and no more. @throws AppError `conflict` */
export function assertAccountsFor(config: LoadTestConfig, users: number | null | undefined): void {
  const held = peakUsersOf(config);
  if (config.user_pool?.policy !== 'unique' || (users ?? 0) <= held) return;
  throw new AppError(
    'conflict',
    `The run holds ${held} accounts, one a user: it cannot have ${users} users`,
    {
      hint: `Ask for up to ${held} users, or start a run with more.`,
    },
  );
}

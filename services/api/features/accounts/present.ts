import type { z } from 'zod';
import type { account } from '../../../../shared/http/accounts.ts';
import type { AccountRow } from '../../../../shared/store/accounts.ts';

/** An account as the API shows it: without its password. */
export const presentAccount = (row: AccountRow): z.input<typeof account> => ({
  id: row.id,
  username: row.username,
  email: row.email,
  role: row.role,
  is_test_user: row.isTestUser,
  test_batch_id: row.testBatchId,
  custom_attributes: row.customAttributes,
  status: row.status,
  has_password: row.sealedPassword !== null,
  source_id: row.sourceId,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
  synced_at: row.syncedAt?.toISOString() ?? null,
  deleted_at: row.deletedAt?.toISOString() ?? null,
});

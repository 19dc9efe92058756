import type { z } from 'zod';
import type { account } from '../../../../shared/http/accounts.ts';
import type { AccountRow } from '../../../../shared/store/accounts/accounts.ts';
import type { Import } from './import/import-users.ts';

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

/** An import as the API tells it, but for its times and bytes. */
export const presentImport = ({ differing, ...counts }: Import['counts']) => ({
  success: counts.failed_count === 0,
  synced_count: counts.created + counts.updated + counts.unchanged,
  ...counts,
  deleted: 0,
  in_sync: counts.failed_count === 0 && differing === 0,
});

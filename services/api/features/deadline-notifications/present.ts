import type { z } from 'zod';
import { channels, deliveryStatuses } from '../../../../shared/contracts/deadline-notifications.ts';
import type { delivery } from '../../../../shared/http/deadline-notifications.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { DeliveryRow } from '../../../../shared/store/deadline-notifications/notification-deliveries.ts';

export const presentDelivery = (row: DeliveryRow): z.input<typeof delivery> => ({
  id: row.id,
  run_id: row.runId,
  office_id: row.officeId,
  staff_id: row.staffId,
  channel: oneOf(channels, row.channel),
  status: oneOf(deliveryStatuses, row.status),
  code: row.code,
  detail: row.detail,
  attempts: row.attempts,
  cycle_ids: row.cycleIds,
  created_at: row.createdAt.toISOString(),
  settled_at: row.settledAt?.toISOString() ?? null,
  settled_by: row.settledBy,
});

/** The table's checks hold these texts to the lists. */
export function oneOf<T extends string>(values: readonly T[], text: string): T {
  const value = values.find(candidate => candidate === text);
  if (value === undefined) throw new AppError('internal_error', `The database has an unknown value: ${text}`);
  return value;
}

import { userSyncTick } from '../../../../shared/contracts/user-sync.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';

/** The moment comes every minute; whether a sync is due is looked up in the settings, which may change at any time. */
export const applySyncSchedule = (queue: QueueClient): Promise<void> =>
  queue.schedule(userSyncTick, {}, { id: 'user-sync', pattern: '* * * * *', timeZone: 'UTC' });

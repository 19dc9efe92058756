import { notificationsPage } from '../../../../shared/contracts/deadline-notifications.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import type { PageKey } from '../../../../shared/store/deadline-notifications/notification-pages.ts';

export const taskOf = ({ runId, run, pageIndex }: PageKey) => ({ run_id: runId, run, page_index: pageIndex });

/** Hands the next page to whichever worker is free. Should the queue lose it, the run's job hands it out again. */
export const openNextPage =
  (queue: QueueClient) =>
  async (key: PageKey): Promise<void> => {
    await queue.enqueue(notificationsPage, taskOf(key));
  };

import { notificationsTick } from '../../../../shared/contracts/deadline-notifications.ts';
import type { Config } from '../../../../shared/platform/config.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';

const scheduleId = 'deadline-notifications';

/** Makes the queue follow the setting, which all workers must share: each of them does so, again and again. */
export async function applyNotificationSchedule(
  queue: QueueClient,
  { NOTIFICATION_SCHEDULE: pattern, NOTIFICATION_TIME_ZONE: timeZone }: Config,
): Promise<void> {
  if (pattern === undefined) await queue.unschedule(notificationsTick, scheduleId);
  else await queue.schedule(notificationsTick, {}, { id: scheduleId, pattern, timeZone });
}

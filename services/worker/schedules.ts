import { messageOf } from '../../shared/kernel/errors.ts';
import { createLoop, type Loop } from '../../shared/kernel/loop.ts';
import type { Config } from '../../shared/platform/config.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { QueueClient } from '../../shared/platform/queue/client.ts';
import { applyRetentionSchedule } from './features/bulk-users/retention.ts';
import { applyNotificationSchedule } from './features/deadline-notifications/schedule.ts';
import { applySyncSchedule } from './features/user-sync/schedule.ts';

export interface SchedulesOptions {
  queue: QueueClient;
  config: Config;
  logger: Logger;
  intervalMs?: number;
}

/**
 * Makes the queue follow all schedules, again and again: they have no rows, so a queue store that was wiped has lost
 * them. Every worker does so, since it costs a look at each. The first round is the caller's: a worker whose schedules
 * are refused does not start.
 */
export const createSchedules = ({
  queue,
  config,
  logger,
  intervalMs = 10_000,
}: SchedulesOptions): Loop<void> =>
  createLoop({
    name: 'schedules',
    intervalMs,
    async runOnce() {
      await applyNotificationSchedule(queue, config);
      await applySyncSchedule(queue);
      await applyRetentionSchedule(queue, config);
    },
    onError: error => logger.warn({ reason: messageOf(error) }, 'the schedules wait for the next round'),
  });

import {
  type Channel,
  notificationsRun,
  notificationsTick,
} from '../../../../shared/contracts/deadline-notifications.ts';
import { dayIn } from '../../../../shared/contracts/notification-messages/message.ts';
import { idOf } from '../../../../shared/kernel/ids.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import { lockRuns } from '../../../../shared/store/deadline-notifications/notification-runs.ts';
import { acceptsWork } from '../../../../shared/store/jobs/admission.ts';
import { findJob, insertJob } from '../../../../shared/store/jobs/jobs.ts';
import type { NotificationDeps } from './deps.ts';

/**
 * The schedule's moment has come: submits a run, as a person would. A moment gives one run, however often its tick is
 * delivered: the run's id is made of it. While another run is on it gives none: that one tells of the same deadlines. While no new work is accepted neither.
 */
export const notificationsTickProcessor = implement(
  notificationsTick,
  (deps: NotificationDeps) =>
    async ({ jobId }) => {
      const at = momentOf(jobId);
      const id = idOf(at.getTime(), jobId);
      const submitted = await deps.db.transaction(async tx => {
        const other = await lockRuns(tx);
        if ((await findJob(tx, id)) !== undefined) return id;
        if (other !== undefined || !(await acceptsWork(tx))) return undefined;
        const payload = scheduledRun(deps, at);
        await insertJob(tx, { id, kind: notificationsRun.name, payload, requestedBy: 'schedule' });
        return id;
      });
      if (submitted !== undefined) await deps.queue.enqueue(notificationsRun, { job_id: submitted });
      else
        deps.logger.warn(
          { at },
          'a scheduled run was left out: another one has not ended, or no work is accepted',
        );
      return { job_id: submitted ?? null };
    },
);

/** The queue ends the ids of scheduled jobs with their moment, in milliseconds. */
const momentOf = (jobId: string): Date => new Date(Number(/(\d+)$/.exec(jobId)?.[1] ?? Date.now()));

function scheduledRun({ notifications: { smtpUrl, run } }: NotificationDeps, at: Date) {
  const channels: Channel[] = smtpUrl === undefined ? ['push'] : ['email', 'push'];
  return notificationsRun.input.parse({
    as_of: dayIn(run.timeZone, at),
    dry_run: false,
    channels,
    office_concurrency: run.officeConcurrency,
    message_concurrency: run.messageConcurrency,
    office_ids: null,
  });
}

import { z } from 'zod';
import {
  type Channel,
  type NotificationRun,
  notificationsRun,
} from '../../../../shared/contracts/deadline-notifications.ts';
import { dayIn } from '../../../../shared/contracts/notification-messages/message.ts';
import {
  getNotificationRunOperation,
  getPushKeyOperation,
  listDeliveriesOperation,
  listNotificationRunsOperation,
  listOpenDeliveriesOperation,
  listRunFailuresOperation,
  previewDeliveryOperation,
  settleDeliveryOperation,
  settleRunOperation,
  startNotificationRunOperation,
} from '../../../../shared/http/deadline-notifications.ts';
import { refused } from '../../../../shared/http/faults.ts';
import type { BodyOf } from '../../../../shared/http/operation.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError, type Fault } from '../../../../shared/kernel/errors.ts';
import type { LinkSigner } from '../../../../shared/platform/notification-keys.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import {
  type DeliveryRow,
  findDelivery,
  listDeliveries,
  settleDelivery,
  settleRun,
} from '../../../../shared/store/deadline-notifications/notification-deliveries.ts';
import { listRunFailures } from '../../../../shared/store/deadline-notifications/notification-pages.ts';
import { findJob, type JobRow, listJobs } from '../../../../shared/store/jobs/jobs.ts';
import { tellDeed } from '../../deed.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, judged, ok, type Route, route } from '../../route.ts';
import { submitJob } from '../../submit-job.ts';
import { assertAlone } from './one-run.ts';
import { oneOf, presentDelivery } from './present.ts';
import { previewOf } from './preview.ts';
import { unsubscribeRoutes } from './unsubscribe.ts';

export interface NotificationRoutesDeps {
  /** The application's database: its offices, and the ledger beside them. */
  applicationDb: Executor;
  queue: QueueClient;
  signer: LinkSigner;
  pushKey: string;
  /** Where a mail server is set. */
  hasEmail: boolean;
  timeZone: string;
  officeConcurrency: number;
  messageConcurrency: number;
}

export const notificationRoutes = (deps: NotificationRoutesDeps): Route[] => [
  judged(async body => faultsOfSentChannels(body, deps), startRoute(deps)),

  route(listNotificationRunsOperation, async ({ query: { cursor, limit }, db }) => {
    const before = decodeCursor(cursor, z.uuid());
    const rows = await listJobs(db, { kind: notificationsRun.name, before, limit: limit + 1 });
    return ok(pageFrom(rows, limit, row => row.id, presentJob));
  }),

  route(getNotificationRunOperation, async ({ params, db }) =>
    ok(presentJob(await existingRun(db, params.id))),
  ),

  route(listDeliveriesOperation, async ({ params, query: { cursor, limit, ...filter }, db }) => {
    await existingRun(db, params.id);
    const afterId = decodeCursor(cursor, z.uuid());
    const rows = await listDeliveries(deps.applicationDb, {
      ...filter,
      runId: params.id,
      afterId,
      limit: limit + 1,
    });
    return ok(pageFrom(rows, limit, row => row.id, presentDelivery));
  }),

  route(listOpenDeliveriesOperation, async ({ query: { cursor, limit, ...filter } }) => {
    const afterId = decodeCursor(cursor, z.uuid());
    const rows = await listDeliveries(deps.applicationDb, { ...filter, afterId, limit: limit + 1 });
    return ok(pageFrom(rows, limit, row => row.id, presentDelivery));
  }),

  route(listRunFailuresOperation, async ({ params, query: { cursor, limit }, db }) => {
    await existingRun(db, params.id);
    const after = decodeCursor(cursor, z.string().max(200));
    const rows = await listRunFailures(deps.applicationDb, { runId: params.id, after, limit: limit + 1 });
    return ok(pageFrom(rows, limit, row => row.position, presentFailure));
  }),

  route(previewDeliveryOperation, async ({ params, db }) => {
    const delivery = await existingDelivery(deps.applicationDb, params.id);
    const run = await existingRun(db, delivery.runId);
    return ok(await previewOf(deps.applicationDb, delivery, run.payload));
  }),

  route(settleDeliveryOperation, async ({ params: { id }, body: { arrived }, ...call }) => {
    const settled = await settleDelivery(deps.applicationDb, id, { arrived, by: call.actor.name });
    if (settled !== undefined) {
      await tellDeed(call, 'deadline-notifications.settle', id, { arrived });
      return ok(presentDelivery(settled));
    }
    const { status } = await existingDelivery(deps.applicationDb, id);
    throw new AppError('conflict', `Only an unknown delivery can be settled: this one is ${status}`);
  }),

  route(settleRunOperation, async ({ params: { id }, body: { arrived }, ...call }) => {
    await existingRun(call.db, id);
    const settled = await settleRun(deps.applicationDb, id, { arrived, by: call.actor.name });
    await tellDeed(call, 'deadline-notifications.settle', id, { arrived, settled });
    return ok({ settled });
  }),

  route(getPushKeyOperation, async () => ok({ public_key: deps.pushKey })),

  ...unsubscribeRoutes(deps),
];

const startRoute = (deps: NotificationRoutesDeps): Route =>
  route(startNotificationRunOperation, async ({ body, ...call }) => {
    const faults = faultsOfChannels(body, deps);
    if (faults.length > 0) throw refused(faults);
    const run = runOf(deps, body);
    await assertAlone(call.db, run);
    const job = await submitJob(call, deps.queue, notificationsRun, run);
    await tellDeed(call, 'deadline-notifications.run', job.id, { dry_run: run.dry_run });
    return accepted(presentJob(job), `/api/jobs/${job.id}`);
  });

const sentChannels = startNotificationRunOperation.body.pick({ channels: true, dry_run: true }).strip();

function faultsOfChannels(
  { channels = [], dry_run }: z.output<typeof sentChannels>,
  { hasEmail }: NotificationRoutesDeps,
): Fault[] {
  if (dry_run || hasEmail || !channels.includes('email')) return [];
  return [{ pointer: '/channels', code: 'not_configured', detail: 'has email, and SMTP_URL is not set' }];
}

function faultsOfSentChannels(body: unknown, deps: NotificationRoutesDeps): Fault[] {
  const sent = sentChannels.safeParse(body);
  return sent.success ? faultsOfChannels(sent.data, deps) : [];
}

/** The run that is asked for, with every default filled in. */
function runOf(
  { hasEmail, timeZone, officeConcurrency, messageConcurrency }: NotificationRoutesDeps,
  body: BodyOf<typeof startNotificationRunOperation>,
): NotificationRun {
  const configured: Channel[] = hasEmail ? ['email', 'push'] : ['push'];
  const channels = body.channels ?? (body.dry_run ? ['email' as const, 'push' as const] : configured);
  return {
    as_of: body.as_of ?? dayIn(timeZone, new Date()),
    dry_run: body.dry_run,
    channels,
    office_concurrency: body.office_concurrency ?? officeConcurrency,
    message_concurrency: body.message_concurrency ?? messageConcurrency,
    office_ids: body.office_ids ?? null,
  };
}

async function existingRun(db: Executor, id: string): Promise<JobRow> {
  const job = await findJob(db, id);
  if (job?.kind === notificationsRun.name) return job;
  throw new AppError('not_found', `There is no notification run ${id}`);
}

async function existingDelivery(applicationDb: Executor, id: string): Promise<DeliveryRow> {
  const delivery = await findDelivery(applicationDb, id);
  if (delivery !== undefined) return delivery;
  throw new AppError('not_found', `There is no delivery ${id}`);
}

const presentFailure = ({
  position: _position,
  channel,
  ...failure
}: Awaited<ReturnType<typeof listRunFailures>>[number]) => ({
  ...failure,
  channel: channel === null ? null : oneOf(['email', 'push'], channel),
});

import { z } from 'zod';
import { loadTestRun } from '../../../../shared/contracts/load-tests.ts';
import {
  readLoadDefinitionOperation,
  readLoadLimitsOperation,
} from '../../../../shared/http/load-test-definition.ts';
import {
  changeLoadTestOperation,
  createLoadTestOperation,
  emergencyStopOperation,
  getLoadTestOperation,
  listLoadTestsOperation,
  stopLoadTestOperation,
  streamLoadTestEventsOperation,
} from '../../../../shared/http/load-tests.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { admitWork } from '../../../../shared/store/jobs/admission.ts';
import { listShards } from '../../../../shared/store/load-tests/load-shards-conducted.ts';
import {
  changeControl,
  insertLoadTest,
  type LoadTestRow,
  listLoadTests,
  requestStop,
} from '../../../../shared/store/load-tests/load-tests.ts';
import type { ChannelHub } from '../../channel-hub.ts';
import { tellDeed } from '../../deed.ts';
import { eventStream } from '../../event-stream.ts';
import { type Actor, accepted, judged, ok, preparedRoute, type Route, route } from '../../route.ts';
import { submitJob } from '../../submit-job.ts';
import { faultsOfSentTarget } from '../../target.ts';
import { assertAccounts } from './accounts.ts';
import { assertFits } from './control.ts';
import { definitionOf, limitsAndDefaults } from './definition.ts';
import { degradedBecause } from './degraded.ts';
import { existing } from './existing.ts';
import { faultsOfSentLimits } from './limits.ts';
import { configFor, presentLoadTest, presentLoadTestDetail } from './present.ts';
import { idAfterSecond, lookAtLoadTest } from './read-events.ts';
import { createReporter } from './report/report.ts';
import { resultRoutes } from './result-routes.ts';
import { type SettleDeps, settleRequest } from './settle.ts';
import { untilStopped } from './until-stopped.ts';

export interface LoadTestRoutesDeps extends SettleDeps {
  queue: QueueClient;
  /** Rung by the notifications of load tests. */
  hub: ChannelHub;
}

export const loadTestRoutes = (deps: LoadTestRoutesDeps): Route[] => [
  judged(
    async body => [...faultsOfSentLimits(deps.limits, body), ...(await faultsOfSentTarget(body, deps))],
    startRoute(deps),
  ),

  route(listLoadTestsOperation, async ({ query: { cursor, limit, status }, db, actor }) => {
    const before = decodeCursor(cursor, z.uuid());
    const filter = status === 'active' ? { active: true } : { status };
    const rows = await listLoadTests(db, { ...filter, before, limit: limit + 1 });
    return ok(
      pageFrom(
        rows,
        limit,
        row => row.id,
        row => presentLoadTest(row, actor),
      ),
    );
  }),

  route(readLoadLimitsOperation, async () => ok(limitsAndDefaults(deps))),

  route(readLoadDefinitionOperation, async ({ params: { id }, db, actor }) =>
    ok(definitionOf(configFor(actor, await existing(db, id)))),
  ),

  route(getLoadTestOperation, async ({ params: { id }, db, actor }) => {
    return ok(await detailOf(db, await existing(db, id), actor));
  }),

  route(changeLoadTestOperation, async ({ params: { id }, body, ...call }) => {
    const { db, actor } = call;
    await existing(db, id);
    const patch = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    const row = await changeControl(db, id, patch, actor.name, before =>
      assertFits(before, body, deps.limits),
    );
    if (row === undefined) throw new AppError('conflict', 'The load test has ended');
    await tellDeed(call, 'load-tests.change', id, patch);
    return ok(await detailOf(db, row, actor));
  }),

  route(stopLoadTestOperation, async ({ params: { id }, ...call }) => {
    const { db, actor } = call;
    await requestStop(db, { id, mode: 'graceful', actor: actor.name });
    const row = await existing(db, id);
    await tellDeed(call, 'load-tests.stop', id);
    return accepted(await detailOf(db, row, actor), `/api/load-tests/${id}`);
  }),

  route(emergencyStopOperation, async call => {
    const startedAt = performance.now();
    const stopped = await call.db.transaction(async tx => {
      const ids = await requestStop(tx, { mode: 'emergency', actor: call.actor.name });
      await tellDeed({ ...call, db: tx }, 'load-tests.emergency-stop', undefined, { stopped: ids });
      return ids;
    });
    const unconfirmed = await untilStopped(call.db, stopped);
    return ok({ stopped, took_ms: Math.round(performance.now() - startedAt), unconfirmed });
  }),

  route(streamLoadTestEventsOperation, async ({ params, query, db, request, signal }) => {
    const { id } = await existing(db, params.id);
    const look = (afterId: number) => lookAtLoadTest(db, id, afterId);
    const firstAfterId = idAfterSecond(query.after_second ?? -1);
    return eventStream({ hub: deps.hub, id, look, request, signal, firstAfterId });
  }),

  ...resultRoutes({ reporter: createReporter() }),
];

async function detailOf(db: Executor, row: LoadTestRow, reader: Actor) {
  const [shards, because] = await Promise.all([listShards(db, row.id), degradedBecause(db, row)]);
  return presentLoadTestDetail(row, { shards, because }, reader);
}

/** Looks at the target first, outside of any transaction. */
const startRoute = (deps: LoadTestRoutesDeps): Route =>
  preparedRoute(
    createLoadTestOperation,
    async ({ body, db }) => {
      await admitWork(db); // before the target is looked at
      return settleRequest(deps, body);
    },
    async (call, config) => {
      await assertAccounts(call.db, config);
      const id = newId();
      const job = await submitJob(call, deps.queue, loadTestRun, { load_test_id: id });
      const row = await insertLoadTest(call.db, { id, jobId: job.id, config });
      await tellDeed(call, 'load-tests.start', id, { job_id: job.id, target_url: config.target_url });
      return accepted(
        presentLoadTestDetail(row, { shards: [], because: [] }, call.actor),
        `/api/load-tests/${id}`,
      );
    },
  );

import { z } from 'zod';
import { bulkLogin } from '../../../../shared/contracts/account-sessions.ts';
import { bulkLoginOperation, getSessionsOperation } from '../../../../shared/http/account-sessions.ts';
import { lookWith } from '../../../../shared/http/faults.ts';
import { uuid } from '../../../../shared/http/fields.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { countPool, countSessions } from '../../../../shared/store/accounts/account-sessions.ts';
import { tellDeed } from '../../deed.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, judged, ok, preparedRoute, type Route, route } from '../../route.ts';
import { submitJob } from '../../submit-job.ts';
import { faultsOfSentTarget, findTarget, type TargetRules, targetUrlOf } from '../../target.ts';
import { presentSessions } from './present.ts';

export interface AccountSessionRoutesDeps extends TargetRules {
  queue: QueueClient;
}

export const accountSessionRoutes = (deps: AccountSessionRoutesDeps): Route[] => [
  judged(
    async (body, db) => [...(await faultsOfSentTarget(body, deps)), ...(await faultsOfSentBatch(db, body))],
    loginRoute(deps),
  ),

  route(getSessionsOperation, async ({ query: { batch_id }, db }) => {
    const pool = await countPool(db, batch_id);
    return ok(presentSessions(pool, await countSessions(db, batch_id)));
  }),
];

/** Looks at the target first, outside of any transaction. */
const loginRoute = (deps: AccountSessionRoutesDeps): Route =>
  preparedRoute(
    bulkLoginOperation,
    async ({ body, db }) => {
      const targetUrl = targetUrlOf(body, deps);
      const seen = await faultsOfBatch(db, body.batch_id);
      const { url } = await lookWith(seen, () => findTarget(targetUrl, deps));
      return url.origin;
    },
    async ({ body, ...call }, origin) => {
      const { batch_id, login, concurrency, rate_per_second = null, limit = null, force } = body;
      const job = await submitJob(call, deps.queue, bulkLogin, {
        ...(batch_id !== undefined && { batch_id }),
        ...{ origin, login, concurrency, rate_per_second, limit, force },
      });
      await tellDeed(call, 'users.bulk-login', batch_id ?? job.id, { job_id: job.id, origin, force });
      return accepted(presentJob(job), `/api/jobs/${job.id}`);
    },
  );

async function faultsOfBatch(db: Executor, batchId: string | undefined): Promise<Fault[]> {
  if (batchId === undefined || (await countPool(db, batchId)).accounts > 0) return [];
  const detail = 'has no accounts here: import or sync them first';
  return [{ pointer: '/batch_id', code: 'no_accounts', detail }];
}

const sentBatch = z.object({ batch_id: uuid.optional() });

const faultsOfSentBatch = async (db: Executor, body: unknown): Promise<Fault[]> =>
  faultsOfBatch(db, sentBatch.safeParse(body).data?.batch_id);

import { bulkLogin } from '../../../../shared/contracts/account-sessions.ts';
import { bulkLoginOperation, getSessionsOperation } from '../../../../shared/http/account-sessions.ts';
import { refuse } from '../../../../shared/http/faults.ts';
import type { Allowlist } from '../../../../shared/kernel/allowlist.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { countPool, countSessions } from '../../../../shared/store/accounts/account-sessions.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, ok, preparedRoute, type Route, route } from '../../route.ts';
import { submitJob } from '../../submit-job.ts';
import { findTarget } from '../../target.ts';
import { presentSessions } from './present.ts';

export interface AccountSessionRoutesDeps {
  queue: QueueClient;
  allowlist: Allowlist;
  /** The target of a request that names none. */
  storefrontUrl: string | undefined;
}

export const accountSessionRoutes = ({
  queue,
  allowlist,
  storefrontUrl,
}: AccountSessionRoutesDeps): Route[] => [
  preparedRoute(
    bulkLoginOperation,
    async ({ body: { target_url = storefrontUrl } }) => {
      if (target_url !== undefined) return (await findTarget(target_url, allowlist)).url.origin;
      throw refuse('/target_url', 'required', 'is required: no storefront is set (STOREFRONT_URL)');
    },
    async ({ body, ...call }, origin) => {
      const { batch_id, login, concurrency, rate_per_second = null, limit = null, force } = body;
      const { accounts } = await countPool(call.db, batch_id);
      if (batch_id !== undefined && accounts === 0) {
        throw refuse('/batch_id', 'no_accounts', 'has no accounts here: import or sync them first');
      }
      const job = await submitJob(call, queue, bulkLogin, {
        ...(batch_id !== undefined && { batch_id }),
        ...{ origin, login, concurrency, rate_per_second, limit, force },
      });
      return accepted(presentJob(job), `/api/jobs/${job.id}`);
    },
  ),

  route(getSessionsOperation, async ({ query: { batch_id }, db }) => {
    const pool = await countPool(db, batch_id);
    return ok(presentSessions(pool, await countSessions(db, batch_id)));
  }),
];

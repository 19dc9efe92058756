import { bulkLogin, defaultLogin } from '../../../../shared/contracts/account-sessions.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import { idOf } from '../../../../shared/kernel/ids.ts';
import { findJob, insertJob } from '../../../../shared/store/jobs/jobs.ts';
import type { UserSyncDeps } from './deps.ts';
import type { SyncSession } from './session.ts';

/** Logins at once, as a request that says nothing has it. */
const concurrency = 10;

/**
 * After a scheduled sync, where the settings want it: logs in at the storefront whoever has no valid session there. The
 * job's id is made of the sync's, so that a sync that is concluded twice submits one.
 */
export async function submitAutoLogin(
  { db, queue, storefrontUrl, logger }: UserSyncDeps,
  { run, settings }: SyncSession,
): Promise<void> {
  if (run.trigger !== 'schedule' || !settings.auto_login_on_sync) return;
  if (storefrontUrl === undefined) {
    logger.warn('auto_login_on_sync is set, and STOREFRONT_URL is not: nobody is logged in');
    return;
  }
  const id = idOf(run.createdAt.getTime(), `login after ${run.id}`);
  const { origin } = new URL(storefrontUrl);
  const payload = {
    origin,
    login: defaultLogin,
    concurrency,
    rate_per_second: null,
    limit: null,
    force: false,
  };
  try {
    if ((await findJob(db, id)) === undefined) {
      await db.transaction(tx =>
        insertJob(tx, { id, kind: bulkLogin.name, payload, requestedBy: 'schedule' }),
      );
    }
    await queue.enqueue(bulkLogin, { job_id: id });
  } catch (error) {
    if (!isAppError(error, 'draining')) throw error;
    logger.warn('no new work is accepted: nobody is logged in after the sync');
  }
}

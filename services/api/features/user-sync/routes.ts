import { z } from 'zod';
import { type SyncTarget, userSyncRun } from '../../../../shared/contracts/user-sync.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import {
  getPoolSyncStatusOperation,
  getSyncStatusOperation,
  listSyncDifferencesOperation,
  listSyncRunsOperation,
  type SyncRequest,
  syncUsersOperation,
} from '../../../../shared/http/user-sync.ts';
import type { Allowlist } from '../../../../shared/kernel/allowlist.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { readSettings } from '../../../../shared/store/settings.ts';
import {
  findOpenSync,
  insertSyncRun,
  listSyncRuns,
  syncRunning,
  targetKeyOf,
} from '../../../../shared/store/user-sync/sync-runs.ts';
import { digestTableOf } from '../../../../shared/store/user-sync/synced-users.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';
import { tellDeed } from '../../deed.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, type Call, judged, ok, preparedRoute, type Route, route } from '../../route.ts';
import { submitJob } from '../../submit-job.ts';
import { describeDifferences, listDifferences } from './differences.ts';
import { assertPeerAllowed, faultsOfSentPeer } from './peer-allowed.ts';
import { peerRoutes } from './peer-routes.ts';
import { presentSyncRun } from './present.ts';
import { assertMaySync } from './role.ts';
import { type BothSides, readSyncStatus } from './status.ts';

export interface UserSyncRoutesDeps {
  applicationDb: Executor;
  /** Where the application keeps its users. */
  users: UserTable;
  queue: QueueClient;
  vault: Vault;
  /** Which other Musters users may be synced with. */
  peers: Allowlist;
}

export const userSyncRoutes = (deps: UserSyncRoutesDeps): Route[] => [
  judged(async body => faultsOfSentPeer(deps.peers, body), syncRoute(deps)),

  route(getSyncStatusOperation, async ({ query, db }) =>
    ok(await readSyncStatus(await bothSides(deps, db), scopeOf(query.batch_id))),
  ),

  route(getPoolSyncStatusOperation, async ({ query, db }) =>
    ok(await readSyncStatus(await bothSides(deps, db), scopeOf(query.batch_id))),
  ),

  route(listSyncRunsOperation, async ({ query: { cursor, limit }, db }) => {
    const rows = await listSyncRuns(db, { before: decodeCursor(cursor, z.uuid()), limit: limit + 1 });
    return ok(pageFrom(rows, limit, ({ run }) => run.id, presentSyncRun));
  }),

  route(listSyncDifferencesOperation, async ({ query: { batch_id, cursor, limit }, db }) => {
    const after = decodeCursor(cursor, position);
    const sides = await bothSides(deps, db);
    const found = await listDifferences(sides, scopeOf(batch_id), { after, limit: limit + 1 });
    const page = pageFrom(
      found,
      limit,
      ({ bucket, username }) => ({ bucket, username }),
      item => item,
    );
    return ok({ ...page, items: await describeDifferences(sides, deps.users, page.items) });
  }),

  ...peerRoutes(deps),
];

const syncRoute = (deps: UserSyncRoutesDeps): Route =>
  preparedRoute(
    syncUsersOperation,
    async ({ body, request }) => {
      assertMaySync({ request }, { direction: body.direction, dryRun: body.dry_run });
      await assertPeerAllowed(deps.peers, body.target);
    },
    async call => {
      const job = await submitSync(deps, call);
      return accepted(presentJob(job), `/api/jobs/${job.id}`);
    },
  );

const position = z.object({ bucket: z.int().min(0), username: z.string().max(255) });

const scopeOf = (batchId: string | undefined) => ({ batchId, testUsersOnly: true });

const bothSides = async ({ applicationDb, users }: UserSyncRoutesDeps, db: Executor): Promise<BothSides> => ({
  db,
  applicationDb,
  applicationTable: await digestTableOf(applicationDb, users),
});

async function submitSync(deps: UserSyncRoutesDeps, { body, ...call }: Call<typeof syncUsersOperation>) {
  const target = publicTarget(body.target);
  const targetKey = targetKeyOf(target);
  const open = body.dry_run ? undefined : await findOpenSync(call.db, targetKey);
  if (open !== undefined) throw syncRunning(targetKey, open);
  const id = newId();
  const job = await submitJob(call, deps.queue, userSyncRun, { sync_run_id: id });
  const { sync_conflict_policy } = await readSettings(call.db);
  const withCredentials = call.actor.role === 'admin';
  await insertSyncRun(call.db, {
    id,
    jobId: job.id,
    target,
    targetKey,
    sealedApiKey:
      typeof body.target !== 'string' && body.target.type === 'http'
        ? deps.vault.seal(body.target.api_key)
        : null,
    direction: body.direction,
    filter: body.filter_criteria,
    conflictPolicy: body.conflict_policy ?? sync_conflict_policy,
    full: body.full,
    dryRun: body.dry_run,
    confirm: body.confirm,
    withCredentials,
    trigger: 'request',
  });
  const { direction, full, dry_run, confirm, filter_criteria } = body;
  const detail = { direction, full, dry_run, confirm, filter_criteria, with_credentials: withCredentials };
  await tellDeed(call, 'bulk-users.sync', targetKey, detail);
  return job;
}

function publicTarget(target: SyncRequest['target']): SyncTarget {
  if (typeof target === 'string') return { type: 'load_tester' };
  return target.type === 'http' ? { type: 'http', base_url: target.base_url } : target;
}

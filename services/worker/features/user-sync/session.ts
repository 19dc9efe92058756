import type { Settings } from '../../../../shared/contracts/settings.ts';
import type { DigestTable, Scope } from '../../../../shared/store/accounts/account-digests.ts';
import { readSettings } from '../../../../shared/store/settings.ts';
import { type SyncRunRow, xminBefore } from '../../../../shared/store/user-sync/sync-runs.ts';
import { digestTableOf } from '../../../../shared/store/user-sync/synced-users.ts';
import { readUserReferences } from '../../../../shared/store/users/user-references.ts';
import type { Rules } from './chunk/decide.ts';
import type { UserSyncDeps } from './deps.ts';
import { type ApplicationDeps, applicationSide } from './sides/application-side.ts';
import { createMeter, measured } from './sides/meter.ts';
import { createPeerClient } from './sides/peer-client.ts';
import { peerTarget } from './sides/peer-target.ts';
import { poolTarget } from './sides/pool-target.ts';
import type { Side, Target } from './sides/sides.ts';

/** A run with both of its sides opened: the conductor has one, and each lane. */
export interface SyncSession {
  run: SyncRunRow;
  settings: Settings;
  rules: Rules;
  /** The users who take part in the sync, changed or not. */
  scope: Scope;
  /** The users of `scope` that are compared: with `modified_since`, only those changed since. */
  comparedScope: Scope;
  application: Side;
  /** What is needed to write to the application. */
  applicationDeps: ApplicationDeps;
  target: Target;
  close(): Promise<void>;
}

export async function openSession(
  deps: UserSyncDeps,
  run: SyncRunRow,
  signal: AbortSignal,
): Promise<SyncSession> {
  const settings = await readSettings(deps.db);
  const table = await digestTableOf(deps.applicationDb, deps.users);
  const sides = openSides(deps, run, table, settings, signal);
  const scope = { batchId: run.filter.batch_id, testUsersOnly: run.filter.test_users_only };
  // As the role sees them that deletes.
  const references = run.direction === 'push' ? [] : await readUserReferences(deps.testDataDb, deps.users);
  return {
    run,
    settings,
    rules: { direction: run.direction, policy: run.conflictPolicy, full: run.full },
    scope,
    comparedScope: { ...scope, ...(await changesOnly(deps, run)) },
    applicationDeps: {
      applicationDb: deps.applicationDb,
      testDataDb: deps.testDataDb,
      users: deps.users,
      references,
    },
    ...sides,
  };
}

async function changesOnly({ db }: UserSyncDeps, run: SyncRunRow): Promise<Partial<Scope>> {
  const { modified_since: moment } = run.filter;
  if (moment === undefined) return {};
  return { modifiedSince: moment, modifiedFromXid: await xminBefore(db, run.targetKey, moment) };
}

function openSides(
  { db, applicationDb, vault, syncPeers }: UserSyncDeps,
  run: SyncRunRow,
  table: DigestTable,
  settings: Settings,
  signal: AbortSignal,
): Pick<SyncSession, 'application' | 'target' | 'close'> {
  const application = applicationSide(applicationDb, table);
  if (run.target.type !== 'http') {
    const meter = createMeter();
    return {
      application: measured(application, meter),
      target: poolTarget(db, vault, meter),
      close: async () => {},
    };
  }
  const client = createPeerClient({
    baseUrl: run.target.base_url,
    apiKey: vault.open(run.sealedApiKey ?? ''),
    allowlist: syncPeers,
    timeoutMs: settings.sync_timeout_seconds * 1000,
    retries: settings.sync_retry_attempts,
    retryDelayMs: settings.sync_retry_delay_seconds * 1000,
    signal,
  });
  const { targetKey, withCredentials, filter } = run;
  return {
    application,
    target: peerTarget({ db, client, targetKey, testUsersOnly: filter.test_users_only, withCredentials }),
    close: () => client.close(),
  };
}

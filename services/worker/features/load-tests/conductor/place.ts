import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import {
  accountNeedOf,
  leaseAccounts,
  leastAccounts,
} from '../../../../../shared/store/load-tests/account-leases.ts';
import { appendLoadEvents, type NewLoadEvent } from '../../../../../shared/store/load-tests/load-events.ts';
import { asConductor, type RunLease, saveRun } from '../../../../../shared/store/load-tests/load-runs.ts';
import { shardLeaseMs } from '../../../../../shared/store/load-tests/load-shards.ts';
import {
  type FreeSlots,
  listFreeSlots,
  lockSlots,
  placeShards,
} from '../../../../../shared/store/load-tests/load-slots.ts';
import type { LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';
import type { LoadTestsDeps } from '../deps.ts';
import { conclude } from './phase.ts';
import { placesFor } from './places-for.ts';

/**
 * One try to give a test its shards, on slots that no other test can get meanwhile. The rest of the run is theirs to
 * begin; a test that has its shards already keeps them.
 * @returns the test as it is now: still queued when no slot is free
 */
export const tryToPlace = ({ db }: LoadTestsDeps, lease: RunLease): Promise<LoadTestRow> =>
  asConductor(db, lease, async (tx, { test }) => {
    if (test.status !== 'queued') return test;
    if (test.control.stop !== null) return saveRun(tx, test, conclude(test, nothingYet));
    await lockSlots(tx);
    const places = placesFor(await listFreeSlots(tx), test.config.workers);
    if (places.length === 0) return test;
    const missing = await takeAccounts(tx, test);
    if (missing > 0) return saveRun(tx, test, { status: 'failed', reason: tooFewAccounts(missing) });
    await placeShards(tx, { testId: test.id, places, leaseMs: shardLeaseMs });
    await appendLoadEvents(tx, test.id, eventsOf(test, places));
    return saveRun(tx, test, { status: 'starting' });
  });

const nothingYet = { thresholds: [], requests: 0, coverage: { share: 0, isShort: true } };

/** Takes the accounts that the test's users need; gives how many are missing, and then takes none. */
async function takeAccounts(tx: Executor, { id, config }: LoadTestRow): Promise<number> {
  const need = accountNeedOf(config);
  if (need === undefined) return 0;
  const found = await leaseAccounts(tx, { testId: id, need });
  return Math.max(0, leastAccounts(need) - found);
}

const tooFewAccounts = (missing: number) => ({
  code: 'not_enough_accounts',
  message: `The pool has too few free accounts: ${missing} more are needed`,
});

function eventsOf({ config: { workers } }: LoadTestRow, places: FreeSlots[]): NewLoadEvent[] {
  if (workers === null || places.length >= workers) return [];
  const message = `Runs as ${places.length} of ${workers} shards: no more slots are free. They carry the whole load`;
  return [{ type: 'shard_late', message }];
}

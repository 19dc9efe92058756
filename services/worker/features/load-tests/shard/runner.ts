import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../../../../shared/kernel/errors.ts';
import type { Service } from '../../../../../shared/kernel/lifecycle.ts';
import { createLoop } from '../../../../../shared/kernel/loop.ts';
import { waitAtMost } from '../../../../../shared/kernel/time.ts';
import type { Db } from '../../../../../shared/platform/postgres/db.ts';
import { reclaimAccounts } from '../../../../../shared/store/load-tests/account-leases.ts';
import { concludeAbandoned } from '../../../../../shared/store/load-tests/load-runs.ts';
import { leaseOf, renewShards, takeShards } from '../../../../../shared/store/load-tests/load-shards.ts';
import { closeSlots } from '../../../../../shared/store/load-tests/load-slots.ts';
import { listEndedTests } from '../../../../../shared/store/load-tests/load-tests.ts';
import { deleteEndedTicks, listMeasuredTests } from '../../../../../shared/store/load-tests/load-ticks.ts';
import { createContact } from '../contact.ts';
import { listJournaledTests, removeSendJournals } from '../send-journal.ts';
import { type Shard, type ShardDeps, startShard } from './shard.ts';

export interface ShardRunnerOptions extends ShardDeps {
  workerId: string;
  /** Shards at once. */
  slots: number;
  intervalMs?: number;
}

/** Other workers' leases are judged only after this long in touch with Postgres: after an outage all look run out. */
const steadyBeforeTakeoverMs = 2000;
/** What handing over may take in all, when Postgres is away too. */
const handOverLimitMs = 5000;
const sweepEveryMs = 3000;

/**
 * Runs the shards of this worker: takes those that were given to it and those that other workers lost; renews their
 * leases and hands on what is in force, with one query a round. A stop hands them over.
 */
export function startShardRunner(options: ShardRunnerOptions): Service {
  const { db, workerId, worker, slots, sendJournals, logger, intervalMs = 250 } = options;
  const running = new Set<Shard>();
  const renewed = createContact({ gapMs: 1500 });
  const looked = createContact({ gapMs: 1500 }); // also while there is nothing to renew
  const onError = (error: unknown) => logger.warn({ reason: messageOf(error) }, 'a round of shards failed');

  async function take(): Promise<void> {
    const askedAt = performance.now();
    const takeOver = looked.steadyMs() > steadyBeforeTakeoverMs;
    const shards = await takeShards(db, { workerId, worker, slots, takeOver });
    looked.heard(askedAt);
    for (const taken of shards) hold(startShard(options, taken));
  }

  async function renew(): Promise<void> {
    const askedAt = performance.now();
    const asked = [...running];
    const answers = await renewShards(
      db,
      asked.map(({ lease }) => lease),
    );
    for (const shard of asked) {
      const { lease } = shard;
      const orders = answers.find(answer => isDeepStrictEqual(leaseOf(answer), lease));
      if (orders === undefined) shard.drop();
      else shard.follow(orders, askedAt);
    }
    renewed.heard(askedAt);
  }

  function hold(shard: Shard): void {
    running.add(shard);
    const onFailure = (error: unknown) => logger.error({ ...shard.lease, err: error }, 'a shard ended badly');
    void shard.done.catch(onFailure).finally(() => running.delete(shard));
  }

  const renewals = createLoop({ name: 'shards', intervalMs, runOnce: renew, onError });
  // Beside the renewals: whoever takes waits for its turn, and a stop must not wait with it.
  const takings = createLoop({ name: 'shards to take', intervalMs, runOnce: take, onError });
  const sweep = createLoop({
    name: 'what ended load tests leave',
    intervalMs: sweepEveryMs,
    async runOnce() {
      await concludeAbandoned(db);
      await deleteEndedTicks(db, await listMeasuredTests(db)); // not all at once: a stop waits for the sweep
      await reclaimAccounts(db);
      await removeEndedJournals(db, sendJournals);
    },
    onError,
  });
  // Beside the rounds: a query that hangs must not keep engines going.
  const watch = setInterval(() => {
    for (const shard of running) shard.cutOff(renewed.silentMs());
  }, intervalMs);
  renewals.start();
  takings.start();
  sweep.start();

  return {
    name: 'shard runner',
    async stop() {
      await sweep.stop();
      await takings.stop();
      await renewals.stop();
      clearInterval(watch);
      const handingOver = [closeSlots(db, workerId), ...[...running].map(shard => shard.handOver())];
      await waitAtMost(handOverLimitMs, Promise.allSettled(handingOver));
    },
  };
}

async function removeEndedJournals(db: Db, folder: string): Promise<void> {
  const ended = await listEndedTests(db, await listJournaledTests(folder));
  await Promise.all(ended.map(testId => removeSendJournals(folder, testId)));
}

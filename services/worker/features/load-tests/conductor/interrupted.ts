import { messageOf } from '../../../../../shared/kernel/errors.ts';
import type { ShardLease } from '../../../../../shared/store/load-tests/load-shards.ts';
import type { LoadTestsDeps } from '../deps.ts';
import { readSendJournal } from '../send-journal.ts';
import type { LeaseTally, Tally } from './tally.ts';

/**
 * Requests of one shard that its target has seen and whose end nobody has counted: a stop cut them off, or their worker died.
 * With those that are counted they are all that were sent.
 */
export interface Interrupted {
  shard: number;
  /** Null when it is not known: a worker died, and what it wrote down cannot be read here. */
  interrupted: number | null;
}

type Deps = Pick<LoadTestsDeps, 'sendJournals' | 'logger'>;

/** Counts them when nothing more will be reported. */
export function countInterrupted(
  deps: Deps,
  { testId, run }: Pick<ShardLease, 'testId' | 'run'>,
  shards: readonly Pick<ShardLease, 'shard' | 'epoch'>[],
  tally: Pick<Tally, 'leaseOf'>,
): Promise<Interrupted[]> {
  return Promise.all(
    shards.map(async ({ shard, epoch: leases }) => {
      const epochs = Array.from({ length: leases }, (_, index) => index + 1);
      const counts = await Promise.all(
        epochs.map(epoch => ofLease(deps, { testId, run, shard, epoch }, tally.leaseOf(shard, epoch))),
      );
      return { shard, interrupted: sumOrNull(counts) };
    }),
  );
}

const nothingTold: LeaseTally = { started: 0, underWay: 0, isComplete: false };

async function ofLease(
  { sendJournals, logger }: Deps,
  lease: ShardLease,
  told = nothingTold,
): Promise<number | null> {
  if (told.isComplete) return told.underWay;
  const sent = await readSendJournal(sendJournals, lease).catch(
    error =>
      void logger.warn({ ...lease, reason: messageOf(error) }, 'what a dead worker has sent is not known'),
  );
  if (sent === undefined || sent < told.started) return null;
  return sent - told.started + told.underWay;
}

export const sumOrNull = (counts: readonly (number | null)[]): number | null =>
  counts.reduce<number | null>((sum, count) => (sum === null || count === null ? null : sum + count), 0);

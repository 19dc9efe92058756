import type { emergencyStopOperation } from '../../../../shared/http/load-tests.ts';
import type { ReplyOf } from '../../../../shared/http/operation.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { listSendingShards } from '../../../../shared/store/load-tests/load-shards-conducted.ts';

/** Workers look four times a second, close their connections, and write what they measured. */
const longestWaitMs = 1000;
const intervalMs = 50;

/**
 * Waits for the shards of these tests to end, but not for long: who is cut off cannot say so, and an emergency is no time
 * to wait for an answer. Gives those that have not ended.
 */
export async function untilStopped(db: Executor, testIds: string[]): Promise<Unconfirmed> {
  const deadline = performance.now() + longestWaitMs;
  for (;;) {
    const sending = await listSendingShards(db, testIds);
    if (sending.length === 0 || performance.now() > deadline) {
      return sending.map(({ loadTestId, ...shard }) => ({ load_test_id: loadTestId, ...shard }));
    }
    await sleep(intervalMs);
  }
}

type Unconfirmed = ReplyOf<typeof emergencyStopOperation>['body']['unconfirmed'];

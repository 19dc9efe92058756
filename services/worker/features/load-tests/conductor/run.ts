import {
  endedLoadTestStatuses,
  type LoadTestResult,
  loadTestRun,
} from '../../../../../shared/contracts/load-tests.ts';
import { AppError } from '../../../../../shared/kernel/errors.ts';
import {
  asConductor,
  type RunLease,
  restartRun,
  saveRun,
} from '../../../../../shared/store/load-tests/load-runs.ts';
import { findLoadTest, type LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';
import { deleteTicksBefore } from '../../../../../shared/store/load-tests/load-ticks.ts';
import { cancelledWith, implementJob, type JobCall } from '../../../job-runner.ts';
import type { LoadTestsDeps } from '../deps.ts';
import { scheduleMsOf } from '../plan-of.ts';
import { conduct } from './conduct.ts';
import { wasStoppedBySomebody } from './phase.ts';

/**
 * The conductor of one test. It sends nothing itself: it reserves slots, merges what the shards report, judges, and
 * concludes. All that it knows is in Postgres, so that one that died is followed by another; what an overtaken one
 * still writes changes nothing. A cancelled job is a stop, and a stopped test is a cancelled job.
 */
export const runLoadTest = implementJob(loadTestRun, (deps: LoadTestsDeps) => async call => {
  const lease = { testId: call.input.load_test_id, jobId: call.jobId, epoch: call.epoch };
  const test = await adopt(deps, lease, call);
  const ended = test.finishedAt === null ? await conduct(deps, lease, test, call) : test;
  const result = resultOf(ended);
  if (wasStoppedBySomebody(result)) throw cancelledWith(result);
  return result;
});

/** Gives the test to go on with; a retry begins it anew, also when no worker ever had it. */
async function adopt(
  { db }: LoadTestsDeps,
  lease: RunLease,
  { run, signal }: Pick<JobCall<unknown>, 'run' | 'signal'>,
): Promise<LoadTestRow> {
  // There may be more than can be deleted while the test's row is held.
  while (await deleteTicksBefore(db, lease.testId, run)) signal.throwIfAborted();
  await asConductor(db, lease, async (tx, { test }) => {
    if (test.plannedRun >= run) return;
    if (run === 0) await saveRun(tx, test, { plannedRun: run });
    else await restartRun(tx, test, run);
  });
  const test = await findLoadTest(db, lease.testId);
  if (test === undefined) throw new AppError('not_found', `There is no load test ${lease.testId}`);
  return test;
}

function resultOf({ status, metrics, startAt, finishedAt, ...test }: LoadTestRow): LoadTestResult {
  const ended = endedLoadTestStatuses.find(candidate => candidate === status);
  if (ended === undefined) throw new Error(`The load test ${test.id} is ${status}, and has not ended`);
  const ranMs = startAt === null || finishedAt === null ? 0 : finishedAt.getTime() - startAt.getTime();
  return {
    load_test_id: test.id,
    status: ended,
    reason: test.reason,
    degraded: test.degraded,
    requests: metrics?.http_reqs.count ?? 0,
    failed: metrics?.http_req_failed.passes ?? 0,
    duration: Math.min(scheduleMsOf(test.config), Math.max(0, ranMs)) / 1000,
  };
}

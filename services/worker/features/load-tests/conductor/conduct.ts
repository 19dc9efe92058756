import { AppError, isAppError, messageOf } from '../../../../../shared/kernel/errors.ts';
import { sleep } from '../../../../../shared/kernel/time.ts';
import { appendLoadEvents } from '../../../../../shared/store/load-tests/load-events.ts';
import { asConductor, type RunLease } from '../../../../../shared/store/load-tests/load-runs.ts';
import { shardLeaseMs } from '../../../../../shared/store/load-tests/load-shards.ts';
import { type LoadTestRow, setStop } from '../../../../../shared/store/load-tests/load-tests.ts';
import type { JobCall } from '../../../job-runner.ts';
import { createContact } from '../contact.ts';
import type { LoadTestsDeps } from '../deps.ts';
import { scheduleMsOf } from '../plan-of.ts';
import { createPass, type PassOutcome } from './pass.ts';
import { tryToPlace } from './place.ts';

/** While load runs, once for each tick of the shards; more often where people wait for the start or the end. */
const intervalMs = { running: 1000, otherwise: 250 };
/** Without Postgres the conductor waits for as long as the shards do. */
const patienceMs = 60_000;
const steadyBeforeJudgingMs = 3000;
/** From answer to answer: a wait and a long pass. A silence that is over by then leaves holders 2 s to renew their leases. */
const gapMs = shardLeaseMs - 2000;

/** Takes a test to its end, from wherever it stands; gives it as it is then. */
export async function conduct(
  deps: LoadTestsDeps,
  lease: RunLease,
  test: LoadTestRow,
  call: Pick<JobCall<unknown>, 'signal' | 'report'>,
): Promise<LoadTestRow> {
  const letGo = lettingGo(call.signal);
  const contact = createContact({ gapMs });
  const mayJudgeLeases = () => contact.steadyMs() > steadyBeforeJudgingMs;
  const pass = createPass({ ...deps, lease, test, mayJudgeLeases });
  let now: PassOutcome = { test, elapsedMs: null };
  for (;;) {
    try {
      if (isAppError(call.signal.reason, 'cancelled')) await stopFor(deps, lease);
      now =
        now.test.status === 'queued'
          ? { test: await tryToPlace(deps, lease), elapsedMs: null }
          : await pass();
      contact.heard(performance.now());
    } catch (error) {
      if (error instanceof AppError || contact.silentMs() > patienceMs) throw error;
      deps.logger.warn({ testId: lease.testId, reason: messageOf(error) }, 'a pass over a load test failed');
    }
    call.report(progressOf(now));
    if (now.test.finishedAt !== null) return now.test;
    await sleep(now.test.status === 'running' ? intervalMs.running : intervalMs.otherwise, letGo);
  }
}

/** Aborts when this worker must let go of the job. A cancellation is no such thing: the test has to be ended. */
function lettingGo(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const onAbort = () => {
    if (!isAppError(signal.reason, 'cancelled')) controller.abort(signal.reason);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return controller.signal;
}

/** The job was cancelled, by whatever way: that is a stop. */
const stopFor = ({ db }: LoadTestsDeps, lease: RunLease): Promise<void> =>
  asConductor(db, lease, async (tx, { test }) => {
    if (test.control.stop !== null || test.finishedAt !== null) return;
    await setStop(tx, [test.id], 'graceful');
    await appendLoadEvents(tx, test.id, [{ type: 'control', message: 'stop: the job was cancelled' }]);
  });

function progressOf({ test, elapsedMs }: PassOutcome) {
  const total = Math.ceil(scheduleMsOf(test.config) / 1000);
  const phase = test.status === 'queued' ? 'waiting for a slot' : test.status;
  const done = Math.min(total, Math.max(0, Math.floor((elapsedMs ?? 0) / 1000)));
  return { phase, done, total };
}

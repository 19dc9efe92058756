import type { z } from 'zod';
import { readLoadSummaryOperation } from '../../../shared/http/load-test-results.ts';
import {
  getLoadTestOperation,
  loadTickSchema,
  streamLoadTestEventsOperation,
} from '../../../shared/http/load-tests.ts';
import type { Client } from '../client.ts';
import type { Context } from '../context.ts';
import type { ServerSentEvent } from '../event-stream.ts';
import { CliFailure } from '../failure.ts';
import { followToEnd } from '../follow.ts';
import type { Screen } from '../progress.ts';
import { hasEnded, type LoadTest, shortMs, shortPercent } from './describe.ts';
import { keepResults, type ResultFiles } from './result-files.ts';

type Tick = z.output<typeof loadTickSchema>;

/**
 * Follows a load test with a live line on stderr.
 * @throws CliFailure `interrupted` on Ctrl-C, which leaves the test alone
 */
export async function watchLoadTest(context: Context, client: Client, id: string): Promise<LoadTest> {
  const { out, signal } = context;
  const live = out.json ? undefined : showTicks(out.stderr);
  try {
    const followed = {
      events: (lastEventId: string) => client.events(streamLoadTestEventsOperation, id, lastEventId, signal),
      onEvent: (event: ServerSentEvent) => {
        const tick =
          event.event === 'tick' ? loadTickSchema.safeParse(JSON.parse(event.data)).data : undefined;
        if (tick) live?.update(tick);
        return false; // the stream ends by itself
      },
      look: () => client.read(getLoadTestOperation, { params: { id } }),
      hasEnded,
      again: `load-tests follow ${id}`,
    };
    return await followToEnd(client, followed, { signal });
  } catch (error) {
    if (signal.aborted) throw stoppedLooking(id);
    throw error;
  } finally {
    live?.stop();
  }
}

/**
 * Prints the summary of a test that has ended and keeps the files that were asked for; a test that did not succeed in full
 * fails the command.
 */
export async function reportLoadTest(
  { out }: Context,
  client: Client,
  test: LoadTest,
  files: ResultFiles = {},
): Promise<void> {
  const summary = out.json ? '' : await client.text(readLoadSummaryOperation, { params: { id: test.id } });
  out.result(test, () => [summary.trimEnd()]);
  await keepResults({ out }, client, test.id, files);
  if (test.status === 'succeeded' && !test.degraded) return;
  const how = test.status === 'succeeded' ? 'degraded: less load was delivered than asked' : test.status;
  throw new CliFailure('job_unsuccessful', `The load test ended as ${how}`, {
    hint: `See npm run muster -- load-tests report ${test.id}`,
  });
}

/** A line that is written over in a terminal; anywhere else, a line every so many seconds. */
function showTicks(screen: Screen): { update(tick: Tick): void; stop(): void } {
  const everySeconds = 5;
  return {
    update(tick) {
      if (screen.isTTY) screen.write(`\r\u001b[K${lineOf(tick)}`);
      else if (tick.point.second % everySeconds === 0) screen.write(`${lineOf(tick)}\n`);
    },
    stop() {
      if (screen.isTTY) screen.write('\r\u001b[K');
    },
  };
}

function lineOf({ status, point, metrics }: Tick): string {
  const minutes = Math.floor(point.second / 60);
  const clock = `${minutes}:${String(point.second % 60).padStart(2, '0')}`;
  const p95 = point.http_req_duration === null ? '-' : shortMs(point.http_req_duration['p(95)']);
  const failed = shortPercent(metrics.http_req_failed.rate);
  return `  ${clock.padStart(6)}  ${status}  ${point.vus} users  ${point.requests}/s  p95 ${p95}  failed ${failed}`;
}

const stoppedLooking = (id: string): CliFailure =>
  new CliFailure('interrupted', `Stopped looking; load test ${id} goes on.`, {
    hint: [
      `  look again  npm run muster -- load-tests follow ${id}`,
      `  stop it     npm run muster -- load-tests stop ${id}`,
    ].join('\n'),
  });

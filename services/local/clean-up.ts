import got from 'got';
import { z } from 'zod';
import { cleanUpOperation } from '../../shared/http/bulk-lifecycle.ts';
import { job } from '../../shared/http/jobs.ts';
import { messageOf } from '../../shared/kernel/errors.ts';
import { sleep } from '../../shared/kernel/time.ts';

export interface CleanUpOptions {
  apiUrl: string;
  apiKey: string;
  /** Receives lines to print. */
  say: (line: string) => void;
  /** After that the stop goes on; the job continues with the next start. */
  deadlineMs?: number;
}

const settings = z.looseObject({
  cleanup_on_shutdown: z.boolean(),
  accepting_jobs: z.boolean().default(true),
});
const pollMs = 250;
const tellEveryMs = 2000;

/**
 * The setting `cleanup_on_shutdown`: before the stack stops, all batches are cleaned up. Whatever goes wrong is told and
 * does not keep the stack from stopping.
 */
export async function cleanUpBeforeStop(options: CleanUpOptions): Promise<void> {
  try {
    const api = got.extend({
      prefixUrl: options.apiUrl,
      headers: { 'x-api-key': options.apiKey },
      timeout: { request: 10_000 },
      retry: { limit: 0 },
    });
    const { cleanup_on_shutdown, accepting_jobs } = settings.parse(await api.get('api/settings').json());
    if (!cleanup_on_shutdown) return;
    await cleanUp(api, await submit(api, accepting_jobs), options);
  } catch (error) {
    options.say(`The test users stay: ${messageOf(error)}`);
  }
}

type Job = z.output<typeof job>;

/** A stack that was drained before its stop lets its own cleanup in, and closes the door behind it. */
async function submit(api: typeof got, isOpen: boolean): Promise<Job> {
  const door = (accepting_jobs: boolean) => api.put('api/settings', { json: { accepting_jobs } });
  if (!isOpen) await door(true);
  try {
    const body = { older_than_days: 0, confirm: true };
    return job.parse(await api.post(cleanUpOperation.path.slice(1), { json: body }).json());
  } finally {
    if (!isOpen) await door(false);
  }
}

async function cleanUp(
  api: typeof got,
  submitted: Job,
  { say, deadlineMs = 120_000 }: CleanUpOptions,
): Promise<void> {
  let current = submitted;
  say('Cleaning up all test users (setting cleanup_on_shutdown). Ctrl-C once more stops at once.');
  const deadline = performance.now() + deadlineMs;
  let tellAt = performance.now() + tellEveryMs;
  while (current.finished_at === null) {
    if (performance.now() > deadline) {
      say(`Not done within ${deadlineMs / 1000} s: job ${current.id} goes on with the next start.`);
      return;
    }
    await sleep(pollMs);
    current = job.parse(await api.get(`api/jobs/${current.id}`).json());
    if (performance.now() < tellAt || current.progress === null) continue;
    tellAt = performance.now() + tellEveryMs;
    say(`  ${current.progress.done} of ${current.progress.total} users deleted`);
  }
  say(
    `Cleanup ${current.status}: ${deletedBy(current.result)} users deleted.${current.error ? ` ${current.error.message}` : ''}`,
  );
}

const deletedBy = (result: unknown): number =>
  z.object({ deleted_count: z.int() }).safeParse(result).data?.deleted_count ?? 0;

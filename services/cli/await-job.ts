import type { Client } from './client.ts';
import type { Context } from './context.ts';
import { describeJob } from './describe-job.ts';
import { CliFailure } from './failure.ts';
import { followJob, type Job } from './follow-job.ts';
import { showProgress } from './progress.ts';

/**
 * Follows a job with live progress on stderr.
 * @throws CliFailure `interrupted` on Ctrl-C, which leaves the job alone
 */
export async function watchJob({ out, signal }: Context, client: Client, jobId: string): Promise<Job> {
  const display = out.json ? undefined : showProgress(out.stderr);
  try {
    return await followJob(client, jobId, {
      signal,
      onProgress: progress => display?.update(progress),
    });
  } catch (error) {
    if (signal.aborted) throw stoppedLooking(jobId);
    throw error;
  } finally {
    display?.stop();
  }
}

/** Submits a job; follows it to its end when asked to, else says how to. */
export async function submitAndTell(
  context: Context,
  submit: (client: Client) => Promise<Job>,
  { follow = false }: { follow?: boolean },
): Promise<void> {
  const client = await context.connect();
  const job = await submit(client);
  if (follow) return reportEnd(context, await watchJob(context, client, job.id));
  const command = `Follow it with: npm run muster -- jobs follow ${job.id}`;
  context.out.result(job, () => [...describeJob(job), command]);
}

/** Prints a job that has ended; one that did not succeed fails the command. */
export function reportEnd({ out }: Context, job: Job): void {
  out.result(job, describeJob);
  if (job.status === 'succeeded') return;
  throw new CliFailure('job_unsuccessful', `The job ended as ${job.status}`, { hint: wayOn(job) });
}

/** A retry asks for the same again, so it is no way past a guard that wants to be asked for more. */
const wayOn = ({ id, error }: Job): string =>
  error?.code === 'deletion_guard'
    ? 'If these users are to go: the same sync with --confirm deletes them.'
    : `Run it again with: npm run muster -- jobs retry ${id}`;

const stoppedLooking = (jobId: string): CliFailure =>
  new CliFailure('interrupted', `Stopped looking; job ${jobId} goes on.`, {
    hint: [
      `  look again  npm run muster -- jobs follow ${jobId}`,
      `  cancel it   npm run muster -- jobs cancel ${jobId}`,
    ].join('\n'),
  });

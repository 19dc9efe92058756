import { watchJob } from '../await-job.ts';
import type { Client } from '../client.ts';
import type { Context } from '../context.ts';
import { CliFailure } from '../failure.ts';

/**
 * Follows a job to its end, and gives its result.
 * @throws CliFailure `job_unsuccessful` with the job's own reason
 */
export async function watchToSuccess(
  context: Context,
  client: Client,
  jobId: string,
  what: string,
): Promise<unknown> {
  const { status, error, result } = await watchJob(context, client, jobId);
  if (status === 'succeeded') return result;
  const reason = error === null ? '' : ` (${error.code}: ${error.message})`;
  throw new CliFailure('job_unsuccessful', `The ${what} ended as ${status}${reason}`);
}

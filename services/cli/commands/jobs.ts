import type { Command } from 'commander';
import {
  cancelJobOperation,
  getJobOperation,
  listJobsOperation,
  retryJobOperation,
} from '../../../shared/http/jobs.ts';
import { wholeNumber } from '../arguments.ts';
import { reportEnd, watchJob } from '../await-job.ts';
import type { Act, Context } from '../context.ts';
import { describeJob } from '../describe-job.ts';
import { table } from '../output.ts';

interface ListOptions {
  kind?: string;
  status?: string;
  limit?: number;
}

/** `muster jobs ...`: all long work, whatever its kind. */
export function addJobsCommands(program: Command, act: Act): void {
  const jobs = program.command('jobs').description('look at jobs, follow, cancel and retry them');
  jobs
    .command('list')
    .description('list jobs, newest first')
    .option('--kind <kind>', 'such as bulk-users.create')
    .option('--status <status>', 'queued | running | succeeded | partially_succeeded | failed | cancelled')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act((context, options: ListOptions) => listJobs(context, options)));
  jobs.command('show <id>').description('one job').action(act(showJob));
  jobs.command('follow <id>').description('show the progress and wait for the end').action(act(follow));
  jobs.command('cancel <id>').description('cancel a job; what it has done stays').action(act(cancelJob));
  jobs
    .command('retry <id>')
    .description('run a job that failed again; what it has done is not done twice')
    .action(act(retryJob));
}

async function listJobs({ out, connect }: Context, { kind, status, limit }: ListOptions): Promise<void> {
  const page = await (await connect()).read(listJobsOperation, { query: { kind, status, limit } });
  out.page(page, ({ items }) =>
    table([
      ['JOB', 'KIND', 'STATUS', 'DONE', 'SUBMITTED', 'BY'],
      ...items.map(job => [
        job.id,
        job.kind,
        job.status,
        job.progress === null ? '-' : `${Math.floor(job.progress.percent)} %`,
        job.created_at,
        job.requested_by,
      ]),
    ]),
  );
}

async function showJob({ out, connect }: Context, _options: object, id: string): Promise<void> {
  out.result(await (await connect()).read(getJobOperation, { params: { id } }), describeJob);
}

async function follow(context: Context, _options: object, id: string): Promise<void> {
  reportEnd(context, await watchJob(context, await context.connect(), id));
}

async function cancelJob({ out, connect }: Context, _options: object, id: string): Promise<void> {
  out.result(await (await connect()).submit(cancelJobOperation, { params: { id } }), describeJob);
}

async function retryJob({ out, connect }: Context, _options: object, id: string): Promise<void> {
  out.result(await (await connect()).submit(retryJobOperation, { params: { id } }), describeJob);
}

import { isTerminal, jobStatuses } from '../../shared/contracts/job.ts';
import { streamJobEventsOperation } from '../../shared/http/jobs.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { type Tally, tallyBatch } from '../../shared/store/bulk-users/bulk-tallies.ts';
import type { Submission, TestStack } from '../fixtures/stack.ts';

/** What the tests of faults look at: while a batch is made, and when all is over. */

/** The rounds of a fault whose moment is left to chance: 1, or `FAULT_ROUNDS`, or so many times that. */
export function rounds(times = 1): number[] {
  const { FAULT_ROUNDS: asked } = process.env;
  return Array.from({ length: asked === undefined ? 1 : times * Number(asked) }, (_, index) => index + 1);
}

/** Resolves as soon as the ledger has between a tenth and nine tenths of a batch. */
export async function untilMiddle({ databases }: TestStack, { batchId }: Submission): Promise<void> {
  const { sql } = databases.application;
  const share = async () => {
    const [row] = await sql<{ share: number }[]>`
      select coalesce(sum(size) filter (where status = 'done') / sum(size)::float, 0)::float as share
      from muster.bulk_chunks where batch_id = ${batchId}`;
    return row?.share ?? 0;
  };
  const reached = await waitFor(
    'the middle of the batch',
    async () => {
      const now = await share();
      return now >= 0.1 && now;
    },
    { timeoutMs: 30_000, intervalMs: 20 },
  );
  if (reached > 0.9) throw new Error(`The middle went by unseen: ${reached} of the batch is done`);
}

/** Everything that must agree when a job is over. */
export interface Findings {
  status: string;
  result: unknown;
  users: number;
  usernames: number;
  /** Chunks by status. */
  chunks: Record<string, number>;
  ledger: Pick<Tally, 'created' | 'failed'>;
  failures: number;
  /** Jobs of the whole database that have not ended. */
  openJobs: number;
  events: EventFindings;
}

interface EventFindings {
  /** Their ids go up, as the stream gives them. */
  ascending: boolean;
  /** Users done never become fewer. */
  progressAscending: boolean;
  /** Where in the stream a terminal status stands, from its end: exactly once, last. */
  terminalFromEnd: number[];
}

export async function inspect(stack: TestStack, submission: Submission): Promise<Findings> {
  const { application, platform } = stack.databases;
  const { batchId } = submission;
  const job = await stack.untilEnded(submission);
  const [users] = await application.sql<{ users: number; usernames: number }[]>`
    select count(*)::int as users, count(distinct username)::int as usernames
    from users where test_batch_id = ${batchId}`;
  const chunks = await application.sql<{ status: string; chunks: number }[]>`
    select status, count(*)::int as chunks from muster.bulk_chunks where batch_id = ${batchId} group by status`;
  const [failed] = await application.sql<{ failures: number }[]>`
    select count(*)::int as failures from muster.bulk_failures where batch_id = ${batchId}`;
  const [open] = await platform.sql<{ jobs: number }[]>`
    select count(*)::int as jobs from jobs where finished_at is null`;
  const { created, failed: failedInLedger } = await tallyBatch(application.db, batchId);
  return {
    status: job.status,
    result: job.result,
    users: users?.users ?? 0,
    usernames: users?.usernames ?? 0,
    chunks: Object.fromEntries(chunks.map(({ status, chunks }) => [status, chunks])),
    ledger: { created, failed: failedInLedger },
    failures: failed?.failures ?? 0,
    openJobs: open?.jobs ?? 0,
    events: await inspectEvents(stack, submission),
  };
}

/** Reads the whole stream anew, which the API must end by itself. */
async function inspectEvents({ client }: TestStack, { jobId }: Submission): Promise<EventFindings> {
  const ids: number[] = [];
  const done: number[] = [];
  const terminal: boolean[] = [];
  for await (const { id, event, data } of client.events(
    streamJobEventsOperation,
    jobId,
    '',
    AbortSignal.timeout(20_000),
  )) {
    const value = JSON.parse(data);
    ids.push(Number(id));
    if (event === 'progress' && value.phase === 'creating') done.push(value.done);
    terminal.push(jobStatuses.some(status => status === value.status && isTerminal(status)));
  }
  return {
    ascending: isAscending(ids) && new Set(ids).size === ids.length,
    progressAscending: isAscending(done),
    terminalFromEnd: terminal.toReversed().flatMap((isEnd, fromEnd) => (isEnd ? [fromEnd] : [])),
  };
}

const isAscending = (values: number[]): boolean =>
  values.every((value, index) => index === 0 || value >= (values[index - 1] ?? value));

export const soundEvents: EventFindings = { ascending: true, progressAscending: true, terminalFromEnd: [0] };

/** What must be found of a batch that was made in full. */
export const whole = ({ batchId }: Submission, count: number, chunkSize: number): Findings => ({
  status: 'succeeded',
  result: {
    batch_id: batchId,
    total_requested: count,
    successful_count: count,
    failed_count: 0,
    execution_time: expect.any(Number),
  },
  users: count,
  usernames: count,
  chunks: { done: Math.ceil(count / chunkSize) },
  ledger: { created: count, failed: 0 },
  failures: 0,
  openJobs: 0,
  events: soundEvents,
});

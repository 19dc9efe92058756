import { createLoadTestOperation } from '../../shared/http/load-tests.ts';
import { readLoadEvents } from '../../shared/store/load-tests/load-events.ts';
import { readTimeline } from '../../shared/store/load-tests/load-results.ts';
import { listShards } from '../../shared/store/load-tests/load-shards-conducted.ts';
import type { LoadTestRow } from '../../shared/store/load-tests/load-tests.ts';
import { type LoggingTarget, untilTest, untilTestEnded } from '../fixtures/load-test.ts';
import type { Submission, TestStack } from '../fixtures/stack.ts';

/** What the tests of faults look at of a load test: while it runs, and when all is over. */
export interface LoadRun extends Omit<Submission, 'batchId'> {
  id: string;
}

/** Asks for a run of 8 users over the given workers; of a batch, each with an account of its own. */
export async function beginRun(
  { client }: TestStack,
  { origin }: LoggingTarget,
  { seconds, workers, batchId }: { seconds: number; workers: number; batchId?: string },
): Promise<LoadRun> {
  const test = await client.submit(createLoadTestOperation, {
    body: {
      target_url: origin,
      concurrent_users: 8,
      duration: `${seconds}s`,
      request_interval_min: 0.05,
      request_interval_max: 0.1,
      endpoints: [{ name: 'home', url: '/' }],
      workers,
      ...(batchId !== undefined && { user_pool: { batch_id: batchId } }),
    },
  });
  return { id: test.id, jobId: test.job_id };
}

/** Resolves as soon as this many requests are in the test's metrics. */
export const untilRequests = ({ databases }: TestStack, { id }: LoadRun, requests: number) =>
  untilTest(
    databases,
    id,
    `${requests} requests`,
    ({ metrics }) => (metrics?.http_reqs.count ?? 0) >= requests,
  );

export interface RunFindings {
  test: LoadTestRow;
  shards: ShardFindings[];
  /** Types of the test's events, without those of its status. */
  events: string[];
  /** Requests that the points of the timeline add up to. */
  inTimeline: number;
  /** Points of the timeline to which no shard contributed. */
  secondsWithoutLoad: number;
  /** The shards that each account was seen on. */
  shardsOfAccounts: Map<string, Set<number>>;
}

interface ShardFindings {
  status: string;
  worker: string;
  /** How often it was taken. */
  epoch: number;
  /** Requests that are in the figures. */
  counted: number;
  /** Requests that were sent and are not. */
  interrupted: number | null;
  /** Requests that the target saw. */
  seen: number;
}

/** Waits for the end of a run, and holds its figures against what its target saw. */
export async function inspectRun(
  { databases }: TestStack,
  { id }: LoadRun,
  target: LoggingTarget,
): Promise<RunFindings> {
  const { db } = databases.platform;
  const test = await untilTestEnded(databases, id);
  const log = target.seen(id);
  const shards = (await listShards(db, id)).map(({ shard, requests: counted, ...row }) => {
    const { status, worker, epoch, interrupted } = row;
    const seen = log.filter(request => request.shard === shard).length;
    return { status, worker, epoch, counted, interrupted, seen };
  });
  const events = await readLoadEvents(db, { testId: id, limit: 1000 });
  const timeline = await readTimeline(db, { testId: id, limit: 1000 });
  return {
    test,
    shards,
    events: events.map(({ event }) => event.type).filter(type => type !== 'status'),
    inTimeline: timeline.reduce((sum, { requests }) => sum + requests, 0),
    secondsWithoutLoad: timeline.filter(({ shards }) => shards === 0).length,
    shardsOfAccounts: new Map(
      [...Map.groupBy(log, ({ account }) => account ?? 'nobody')].map(([account, of]) => [
        account,
        new Set(of.map(({ shard }) => shard)),
      ]),
    ),
  };
}

/**
 * What is counted is what the target saw; of shards whose worker died, with what it sent and did not tell any more. Of each
 * death one request may be missing there: the one between its socket and the file that counts it.
 */
export function expectTruth({ test, shards, inTimeline }: RunFindings): void {
  for (const { epoch, counted, interrupted, seen } of shards) {
    const sent = counted + (interrupted ?? Number.NaN);
    expect(sent).toBeLessThanOrEqual(seen);
    expect(sent).toBeGreaterThanOrEqual(seen - (epoch - 1));
    if (epoch === 1) expect(interrupted).toBe(0);
  }
  const counted = shards.reduce((sum, shard) => sum + shard.counted, 0);
  expect(test.metrics?.http_reqs.count).toBe(counted);
  expect(inTimeline).toBe(counted);
}

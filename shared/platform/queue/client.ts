import { ErrorCode, type Queue } from 'bullmq';
import { AppError, isAppError } from '../../kernel/errors.ts';
import type { QueueContract } from './contract.ts';
import { type BullJob, bullJob, type JobOptions } from './payload.ts';
import { keepSchedule, type Schedule } from './schedule.ts';
import { type BullQueue, type JobState, jobStates, type KnownState, type QueueBackend } from './seam.ts';
import { storeUnavailable } from './store-errors.ts';

/** The way into the queues, for the API, the CLI's server side and workers that hand out tasks. */
export interface QueueClient {
  readonly name: string;
  /** Adds a job, once: adding a payload with the same job id again changes nothing while the queue knows it. */
  enqueue<P>(contract: QueueContract<P, unknown>, payload: P, options?: JobOptions): Promise<JobRef>;
  /** Adds any number of jobs in few round trips; those that are there already stay as they are. */
  enqueueAll<P>(contract: QueueContract<P, unknown>, payloads: readonly P[]): Promise<JobRef[]>;
  /** Adds a parent that runs when all its children have ended, well or not, and the children, all or none. */
  enqueueFlow<P, C>(parent: FlowNode<P>, children: readonly FlowNode<C>[]): Promise<JobRef>;
  state(contract: Named, jobId: string): Promise<KnownState | 'missing'>;
  /**
   * Makes the queue have a job again that it lost, gave up or takes for done, because the database says that it is not
   * finished; it starts with all its attempts. One that waits or runs is left alone.
   * @returns whether it was put back
   */
  revive<P>(contract: QueueContract<P, unknown>, payload: P): Promise<boolean>;
  /** The same for many, in few round trips. @returns the ids of those that were put back */
  reviveAll<P>(contract: QueueContract<P, unknown>, payloads: readonly P[]): Promise<string[]>;
  /** The results of those of these jobs that have completed, in no order, as their contract has them. */
  results<P, R>(contract: QueueContract<P, R>, payloads: readonly P[]): Promise<R[]>;
  /** Makes a job due that waits for its next try, or for its time; any other is left alone. */
  promote<P>(contract: QueueContract<P, unknown>, payload: P): Promise<void>;
  /** Takes a job out of the queue. @returns false when a worker has it at present */
  remove(contract: Named, jobId: string): Promise<boolean>;
  /**
   * Adds a job again and again, at the moments of a schedule, whatever the number of processes that ask for it, and
   * however often: what is kept already stays as it is.
   */
  schedule<P>(contract: QueueContract<P, unknown>, payload: P, schedule: Schedule): Promise<void>;
  /** Ends a schedule; nothing when there is none. */
  unschedule(contract: Named, id: string): Promise<void>;
  /** The number of jobs in each state, by queue. */
  counts(): Promise<Record<string, Record<JobState, number>>>;
  /** Rejects with `dependency_unavailable` when the store does not answer. */
  ping(): Promise<void>;
  /** BullMQ's own objects, for Bull Board. */
  bullQueues(): Queue[];
  /** Closes the queues, not the backend. */
  stop(): Promise<void>;
}

interface JobRef {
  jobId: string;
}

interface FlowNode<P> {
  contract: QueueContract<P, unknown>;
  payload: P;
}

type Named = Pick<QueueContract, 'name'>;

/** Jobs of one `addBulk` or one question for states: some hundred kilobytes on the wire. */
const batchSize = 1000;

/** Opens the queues of `contracts` on a backend. It must be stopped before the backend. */
export function createQueueClient(backend: QueueBackend, contracts: readonly Named[]): QueueClient {
  const queues = new Map(contracts.map(({ name }) => [name, backend.openQueue(name)]));
  const flows = backend.openFlowProducer();

  const queueOf = ({ name }: Named): BullQueue => {
    const queue = queues.get(name);
    if (queue !== undefined) return queue;
    throw new AppError('internal_error', `The queue ${name} is not in the registry of contracts`);
  };
  const statesOf = (contract: Named, jobIds: readonly string[]) =>
    onStore(() => backend.states(queueOf(contract), jobIds));

  async function addAll(contract: Named, jobs: readonly BullJob[]): Promise<JobRef[]> {
    for (const batch of batches(jobs)) await onStore(() => queueOf(contract).addBulk([...batch]));
    return jobs.map(({ opts }) => ({ jobId: opts.jobId }));
  }

  async function reviveBatch(contract: Named, jobs: readonly BullJob[]): Promise<string[]> {
    const states = await statesOf(
      contract,
      jobs.map(({ opts }) => opts.jobId),
    );
    const gone = jobs.filter(({ opts }) => !isPending(states.get(opts.jobId)));
    // Taken out and added anew rather than retried: BullMQ's retry keeps the marks of the stalls that failed a job.
    const kept = gone.filter(({ opts }) => states.has(opts.jobId));
    await onStore(() => Promise.all(kept.map(({ opts }) => queueOf(contract).remove(opts.jobId))));
    await addAll(contract, gone);
    return gone.map(({ opts }) => opts.jobId);
  }

  const client: QueueClient = {
    name: `${backend.name}:queues`,
    async enqueue(contract, payload, options) {
      const { name, data, opts } = bullJob(contract, payload, options);
      await onStore(() => queueOf(contract).add(name, data, opts));
      return { jobId: opts.jobId };
    },
    enqueueAll: async (contract, payloads) =>
      addAll(
        contract,
        payloads.map(payload => bullJob(contract, payload)),
      ),
    async enqueueFlow(parent, children) {
      const root = flowNode(parent);
      const leaves = children.map(flowNode).map(leaf => ({
        ...leaf,
        opts: { ...leaf.opts, ignoreDependencyOnFailure: true }, // else a failed child leaves its parent waiting for good
      }));
      await onStore(() => flows.add({ ...root, children: leaves }));
      return { jobId: root.opts.jobId };
    },
    state: async (contract, jobId) => (await statesOf(contract, [jobId])).get(jobId) ?? 'missing',
    revive: async (contract, payload) => (await client.reviveAll(contract, [payload])).length === 1,
    async reviveAll(contract, payloads) {
      const revived: string[] = [];
      for (const batch of batches(payloads.map(payload => bullJob(contract, payload)))) {
        revived.push(...(await reviveBatch(contract, batch)));
      }
      return revived;
    },
    async results(contract, payloads) {
      const found: unknown[] = [];
      for (const ids of batches(payloads.map(contract.jobId))) {
        const states = await statesOf(contract, ids);
        const completed = ids.filter(id => states.get(id) === 'completed');
        const jobs = await onStore(() => Promise.all(completed.map(id => queueOf(contract).getJob(id))));
        found.push(...jobs.map(job => job?.returnvalue));
      }
      return found.flatMap(result => contract.result.safeParse(result).data ?? []);
    },
    promote: (contract, payload) =>
      onStore(async () => {
        const job = await queueOf(contract).getJob(contract.jobId(payload));
        await job?.promote().catch(unlessGone);
      }),
    async remove(contract, jobId) {
      const removed = await onStore(() => queueOf(contract).remove(jobId));
      return removed > 0 || (await client.state(contract, jobId)) === 'missing';
    },
    schedule: (contract, payload, schedule) =>
      onStore(() => keepSchedule(queueOf(contract), schedule, bullJob(contract, payload))),
    async unschedule(contract, id) {
      await onStore(() => queueOf(contract).removeJobScheduler(id));
    },
    async counts() {
      const counted = [...queues].map(async ([name, queue]) => [name, await countStates(queue)] as const);
      return Object.fromEntries(await onStore(() => Promise.all(counted)));
    },
    ping: () => backend.ping(),
    // Bull Board's types know BullMQ's Redis flavour only; it uses nothing that the other lacks.
    bullQueues: () => [...queues.values()] as unknown as Queue[],
    async stop() {
      await Promise.all([...queues.values(), flows].map(queue => queue.close()));
    },
  };
  return client;
}

/** Errors of the store become `dependency_unavailable`; those that Muster raised pass. */
async function onStore<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw isAppError(error) ? error : storeUnavailable(error);
  }
}

/** A job may have become due, or have ended, since it was looked at. */
function unlessGone(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== ErrorCode.JobNotInState && code !== ErrorCode.JobNotExist) throw error;
}

const flowNode = <P>({ contract, payload }: FlowNode<P>) => ({
  ...bullJob(contract, payload),
  queueName: contract.name,
});

const over: readonly (KnownState | undefined)[] = ['completed', 'failed', 'unknown', undefined];
const isPending = (state: KnownState | undefined): boolean => !over.includes(state);

async function countStates(queue: BullQueue): Promise<Record<JobState, number>> {
  const counts = await queue.getJobCounts(...jobStates, 'prioritized');
  const of = (state: string) => counts[state] ?? 0;
  return {
    waiting: of('waiting') + of('prioritized'),
    delayed: of('delayed'),
    active: of('active'),
    completed: of('completed'),
    failed: of('failed'),
    'waiting-children': of('waiting-children'),
  };
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += batchSize) yield items.slice(start, start + batchSize);
}

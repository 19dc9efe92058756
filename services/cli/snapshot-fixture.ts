import type { z } from 'zod';
import { datasetIdOf } from '../../shared/contracts/datasets.ts';
import {
  createDatasetOperation,
  datasetRequest,
  definitionOf,
  deleteDatasetOperation,
} from '../../shared/http/datasets.ts';
import {
  createSnapshotOperation,
  deleteSnapshotOperation,
  restoreSnapshotOperation,
} from '../../shared/http/snapshots.ts';
import { type Client, createClient } from './client.ts';
import { CliFailure } from './failure.ts';
import { followJob, type Job } from './follow-job.ts';

/**
 * For tests of your own: the data that they need, from a snapshot, or built and kept for the next time.
 * See docs/snapshots.md.
 */
export interface FixtureOptions {
  /** The API: `http://127.0.0.1:8080`. */
  api: string;
  apiKey: string;
  /** The snapshot's name. */
  snapshot: string;
  /** What to build when there is no such snapshot, or none that fits: a dataset, or whatever the function makes. */
  build: z.input<typeof datasetRequest> | (() => Promise<unknown>);
  /** Restore also what another database was the source of: where each run has a database of its own. */
  allowOtherDatabase?: boolean;
  /** How long all of it may take, in milliseconds. */
  timeoutMs?: number;
}

/**
 * Restores a snapshot. Where there is none, or its tables are not those of today, it builds the data anew and makes
 * the snapshot. One at a time: it replaces the test data of the application, which all callers share.
 * @returns whether it was built
 * @throws CliFailure with what the API said
 */
export async function restoreOrBuild(options: FixtureOptions): Promise<{ built: boolean }> {
  const client = createClient({ url: options.api, apiKey: options.apiKey });
  const signal = AbortSignal.timeout(options.timeoutMs ?? 300_000);
  const fixture = { ...options, client, ended: (job: Job) => followJob(client, job.id, { signal }) };
  if (await restored(fixture)) return { built: false };
  await build(fixture);
  return { built: await kept(fixture) };
}

interface Fixture extends FixtureOptions {
  client: Client;
  ended(job: Job): Promise<Job>;
}

/** Gives false when there is nothing that could be restored. */
async function restored({ client, snapshot, allowOtherDatabase = false, ended }: Fixture): Promise<boolean> {
  const body = { clean_existing: true, allow_other_database: allowOtherDatabase };
  const input = { params: { name: snapshot }, body };
  const job = await client
    .submit(restoreSnapshotOperation, input)
    .catch(unless('not_found', 'snapshot_damaged'));
  if (job === undefined) return false;
  const { status, error } = await ended(job);
  if (error?.code === 'snapshot_mismatch' || error?.code === 'snapshot_damaged') return false;
  assertSucceeded({ status, error });
  return true;
}

async function build({ client, build: wanted, ended }: Fixture): Promise<void> {
  if (typeof wanted === 'function') return void (await wanted());
  const submit = () => client.submit(createDatasetOperation, { body: wanted });
  const job = await submit().catch(unless('dataset_exists'));
  if (job !== undefined) return assertSucceeded(await ended(job));
  const request = datasetRequest.parse(wanted);
  const id = datasetIdOf(definitionOf(request, request.seed ?? 0));
  const deleted = await client.submit(deleteDatasetOperation, { params: { id } });
  assertSucceeded(await ended(deleted)); // rows of the same request are there, in a state that nobody knows
  assertSucceeded(await ended(await submit()));
}

/** Makes the snapshot in place of one that does not fit; another caller may have been first. */
async function kept({ client, snapshot, ended }: Fixture): Promise<boolean> {
  await client.text(deleteSnapshotOperation, { params: { name: snapshot } }).catch(unless('not_found'));
  const body = { name: snapshot, description: 'Built by a test' };
  const job = await client.submit(createSnapshotOperation, { body }).catch(unless('snapshot_exists'));
  if (job === undefined) return false;
  const { status, error } = await ended(job);
  if (error?.code === 'snapshot_exists') return false;
  assertSucceeded({ status, error });
  return true;
}

/** A handler of rejections: answers with one of these codes give undefined. */
const unless =
  (...codes: string[]) =>
  (error: unknown): undefined => {
    if (error instanceof CliFailure && codes.includes(error.problem?.code ?? '')) return undefined;
    throw error;
  };

function assertSucceeded({ status, error }: Pick<Job, 'status' | 'error'>): void {
  if (status === 'succeeded') return;
  throw new CliFailure(
    'job_unsuccessful',
    `The job ended as ${status}: ${error?.message ?? 'without a reason'}`,
  );
}

import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { datasetTables } from '../shared/contracts/datasets.ts';
import { messageOf, systemCodeOf } from '../shared/kernel/errors.ts';
import { type CopyConnection, withCopyConnection } from '../shared/platform/postgres/copy-connection.ts';
import { change, copyPlainly, digest, empty } from './dataset-tables.ts';
import { measureSourcesSizes } from './datasets-of-the-source.ts';
import { callApi, runJob } from './jobs.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { show, spreadOf } from './statistics.ts';

const run = promisify(execFile);
const perOffice = { staffs_per_office: 10, recipients_per_office: 100, cycles_per_recipient: 1 };
const restored = z.object({ restore_seconds: z.number(), total_rows: z.number() });
const made = z.object({ bytes: z.number() });
const generated = z.object({ dataset_id: z.string(), total_rows: z.number() });

/** Seconds of each step, one entry a round. */
type Times = Record<string, number[]>;

/**
 * The source's dataset, generated, kept and put back, each from the request to the job's end as a client sees it;
 * against COPY of the same rows by one session into the same tables, empty and indexed, and against pg_dump. Before each
 * measurement a checkpoint is made, so that none pays for another.
 */
export async function benchDatasets(offices = 100, rounds = 5): Promise<void> {
  const stack = await startBenchStack();
  const signal = AbortSignal.timeout(3_600_000);
  try {
    await withCopyConnection(stack.applicationUrl, { name: 'bench', signal }, async copy => {
      const times: Times = {};
      console.log(`${offices} offices, 2 workers, ${rounds} rounds after one that is not counted`);
      for (let round = 0; round <= rounds; round++) await measure(stack, copy, { offices, round, times });
      report(times);
      await measureSourcesSizes(stack, copy, rounds);
      await measureTenfold(stack, copy, { offices, times });
    });
  } finally {
    await stack.stop();
  }
}

interface Round {
  offices: number;
  round: number;
  times: Times;
}

async function measure(
  stack: BenchStack,
  copy: CopyConnection,
  { offices, round, times }: Round,
): Promise<void> {
  const note = (step: string, seconds: number) => {
    if (round > 0) times[step] = [...(times[step] ?? []), seconds];
  };
  await empty(copy);
  const dataset = await runJob(stack, 'POST', '/api/datasets', { offices, ...perOffice, seed: round });
  note('generate, submit to done', dataset.seconds);
  await copy.run('checkpoint');
  const snapshot = await runJob(stack, 'POST', '/api/snapshots', { name: 'bench' });
  note('snapshot, submit to done', snapshot.seconds);
  if (round === 0) describe(generated.parse(dataset.result).total_rows, made.parse(snapshot.result).bytes);
  const kept = await digest(copy);
  await empty(copy);
  await measureRestore('into empty tables');
  await change(copy);
  await measureRestore('in place of as many changed rows');
  await change(copy, 'hashtext(t::text) % 100 = 0');
  await measureRestore('over one changed row in a hundred');
  await measureRestore('over the same rows');
  note('plain COPY, one session', await copyPlainly(copy));
  const whyNot = await measureDump(stack, copy, note);
  if (round === 0 && whyNot !== undefined) console.log(`pg_dump and pg_restore are not measured: ${whyNot}`);
  await callApi(stack, 'DELETE', '/api/snapshots/bench');
  await runJob(stack, 'DELETE', `/api/datasets/${generated.parse(dataset.result).dataset_id}`);

  async function measureRestore(where: string): Promise<void> {
    await copy.run('checkpoint');
    const { seconds, result } = await runJob(stack, 'POST', '/api/snapshots/bench/restore', {});
    note(`restore ${where}, submit to done`, seconds);
    note(`restore ${where}, alone`, restored.parse(result).restore_seconds);
    if ((await digest(copy)) !== kept)
      throw new Error(`The rows that came back ${where} are not those that were kept`);
  }
}

const describe = (rows: number, bytes: number): void =>
  console.log(`${rows} rows; the snapshot has ${(bytes / 1000).toFixed(0)} kB on disk`);

/** pg_dump and pg_restore where they are, and new enough for the server; else why not. */
async function measureDump(
  { applicationUrl }: BenchStack,
  copy: CopyConnection,
  note: (step: string, seconds: number) => void,
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-dump-'));
  const file = join(folder, 'dump');
  const timed = async (step: string, program: string, args: string[]) => {
    const startedAt = performance.now();
    await run(program, args);
    note(step, (performance.now() - startedAt) / 1000);
  };
  try {
    const tables = datasetTables.flatMap(table => ['-t', `public.${table}`]);
    await timed('pg_dump -Fc', 'pg_dump', ['-Fc', '-f', file, ...tables, applicationUrl]);
    await empty(copy);
    const options = ['--data-only', '--single-transaction', '--disable-triggers', '-d', applicationUrl];
    await timed('pg_restore into empty tables', 'pg_restore', [...options, file]);
    note('size of the dump, kB', (await stat(file)).size / 1000);
    return undefined;
  } catch (error) {
    const why = whyNoDump(error);
    if (why === undefined) throw error;
    return why;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function whyNoDump(error: unknown): string | undefined {
  if (systemCodeOf(error) === 'ENOENT') return 'they are not here';
  return messageOf(error).includes('server version mismatch') ? 'they are too old for the server' : undefined;
}

function report(times: Times): void {
  for (const [step, values] of Object.entries(times))
    console.log(`${step.padEnd(50)} ${show(spreadOf(values), '', 3)}`);
  const against = (step: string) =>
    (times[step] ?? []).map(
      (seconds, round) => seconds / (times['plain COPY, one session']?.[round] ?? Number.NaN),
    );
  for (const step of ['restore into empty tables, alone', 'restore into empty tables, submit to done']) {
    console.log(`${`ratio to plain COPY: ${step}`.padEnd(50)} ${show(spreadOf(against(step)))}`);
  }
}

async function measureTenfold(
  stack: BenchStack,
  copy: CopyConnection,
  { offices, times }: Omit<Round, 'round'>,
): Promise<void> {
  await empty(copy);
  const before = (await stack.peakWorkerRssBytes()) ?? Number.NaN;
  const { seconds } = await runJob(stack, 'POST', '/api/datasets', { offices: offices * 10, ...perOffice });
  const afterGenerate = (await stack.peakWorkerRssBytes()) ?? Number.NaN;
  const { median } = spreadOf(times['generate, submit to done'] ?? []);
  console.log(
    `ten times the offices: generate ${seconds.toFixed(2)} s, ${(seconds / median).toFixed(1)} times as long`,
  );
  const snapshot = await runJob(stack, 'POST', '/api/snapshots', { name: 'tenfold' });
  await change(copy);
  await copy.run('checkpoint');
  const restore = await runJob(stack, 'POST', '/api/snapshots/tenfold/restore', {});
  const after = (await stack.peakWorkerRssBytes()) ?? Number.NaN;
  const { bytes } = made.parse(snapshot.result);
  console.log(
    `  snapshot ${snapshot.seconds.toFixed(2)} s, ${(bytes / 1e6).toFixed(1)} MB; restore in place ${restore.seconds.toFixed(2)} s`,
  );
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  console.log(
    `  peak memory of a worker: ${mib(before)} before, ${mib(afterGenerate)} after generating, ${mib(after)} after the restore`,
  );
}

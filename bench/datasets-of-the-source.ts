import { z } from 'zod';
import { datasetTables } from '../shared/contracts/datasets.ts';
import type { CopyConnection } from '../shared/platform/postgres/copy-connection.ts';
import { digest, empty } from './dataset-tables.ts';
import { callApi, runJob } from './jobs.ts';
import type { BenchStack } from './stack.ts';
import { show, spreadOf } from './statistics.ts';

/**
 * What the source's 0.2 s for a restore can have been measured with: its test restores 10 offices with 5 staff each, and its
 * largest file, of 500 offices, had about 2 MB of JSON, which is what 2 staff each make here. Its notifications had 10 each.
 * (Of its dataset with recipients, that of 100 offices, it only foretells a restore of under 10 s.)
 */
const sizes = [
  { offices: 10, staffs_per_office: 5 },
  { offices: 500, staffs_per_office: 2 },
  { offices: 500, staffs_per_office: 10 },
];

const generated = z.object({ dataset_id: z.string(), total_rows: z.number() });
const restored = z.object({ restore_seconds: z.number() });
const measured = z.object({ bytes: z.coerce.number() });

/** Restores into empty tables at the source's sizes; the first of each is not counted. */
export async function measureSourcesSizes(
  stack: BenchStack,
  copy: CopyConnection,
  rounds: number,
): Promise<void> {
  for (const size of sizes) {
    await empty(copy);
    const request = { ...size, recipients_per_office: 0, seed: 1 };
    const dataset = generated.parse((await runJob(stack, 'POST', '/api/datasets', request)).result);
    const kept = await digest(copy);
    const bytes = await jsonBytes(copy);
    await runJob(stack, 'POST', '/api/snapshots', { name: 'of-the-source' });
    const alone: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      await empty(copy);
      const { result } = await runJob(stack, 'POST', '/api/snapshots/of-the-source/restore', {});
      if ((await digest(copy)) !== kept)
        throw new Error('The rows that came back are not those that were kept');
      if (round > 0) alone.push(restored.parse(result).restore_seconds);
    }
    console.log(
      `${size.offices} offices with ${size.staffs_per_office} staff each: ${dataset.total_rows} rows, ${(bytes / 1e6).toFixed(2)} MB as JSON`,
    );
    console.log(`  ${'restore into empty tables, alone'.padEnd(48)} ${show(spreadOf(alone), '', 3)}`);
    await callApi(stack, 'DELETE', '/api/snapshots/of-the-source');
    await runJob(stack, 'DELETE', `/api/datasets/${dataset.dataset_id}`);
  }
}

/** The rows as the source kept them. */
async function jsonBytes(copy: CopyConnection): Promise<number> {
  const ofTable = (table: string) =>
    `(select coalesce(sum(octet_length(to_jsonb(t)::text)), 0) from ${table} t)`;
  const [found] = await copy.query(measured, `select ${datasetTables.map(ofTable).join(' + ')} as bytes`);
  return found?.bytes ?? Number.NaN;
}

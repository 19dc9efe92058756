import type { z } from 'zod';
import { rowsOf, totalRows } from '../../../../shared/contracts/datasets.ts';
import type { dataset } from '../../../../shared/http/datasets.ts';
import type { DatasetTally } from '../../../../shared/store/datasets/dataset-ledger.ts';
import type { DatasetWithJob } from '../../../../shared/store/datasets/datasets.ts';

export function presentDataset(
  { dataset: row, job }: DatasetWithJob,
  tally: DatasetTally | undefined,
): z.input<typeof dataset> {
  return {
    id: row.id,
    job_id: row.jobId,
    status: job.status,
    seed: row.seed,
    reference_date: row.referenceDate,
    offices: row.offices,
    staffs_per_office: row.staffsPerOffice,
    recipients_per_office: row.recipientsPerOffice,
    cycles_per_recipient: row.cyclesPerRecipient,
    batch_size: row.chunkOffices,
    rows: rowsOf({ ...row, offices: tally?.officesDone ?? 0 }),
    total_rows: totalRows(row),
    created_at: row.createdAt.toISOString(),
  };
}

import type { JobStatus } from '../../contracts/job.ts';
import { type AgePage, listFreeBatches, type Selection } from './bulk-cleanup-batches.ts';
import { type BothDatabases, listPulledBatches } from './pulled-batches.ts';

/** A batch that a cleanup could clean up: one that was created here, or one that a sync brought. */
export interface CleanupCandidate {
  id: string;
  createdAt: Date;
  chunkSize: number;
  /** How its creation ended and for how many users it was asked; null for one that a sync brought. */
  creation: { status: JobStatus; totalRequested: number } | null;
}

/** Both kinds, oldest first. */
export async function listCleanupCandidates(
  databases: BothDatabases,
  selection: Selection,
  page: AgePage = {},
): Promise<CleanupCandidate[]> {
  const [free, pulled] = await Promise.all([
    listFreeBatches(databases.db, selection, page),
    listPulledBatches(databases, selection, page),
  ]);
  const created = free.map(({ batch, job }) => ({
    ...batch,
    creation: { status: job.status, totalRequested: batch.totalRequested },
  }));
  return [...created, ...pulled.map(batch => ({ ...batch, creation: null }))]
    .sort(byAge)
    .slice(0, page.limit);
}

type AgeAndId = Pick<CleanupCandidate, 'createdAt' | 'id'>;

/** Oldest first. */
export const byAge = (a: AgeAndId, b: AgeAndId): number =>
  a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1);

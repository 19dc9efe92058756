import type { z } from 'zod';
import type { job } from '../../shared/http/jobs.ts';
import type { JobRow } from '../../shared/store/jobs/jobs.ts';

/** A job as the API shows it. Its payload stays inside: it points at rows that have endpoints of their own. */
export function presentJob(row: JobRow): z.input<typeof job> {
  const self = `/api/jobs/${row.id}`;
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    progress: row.progress,
    result: row.result,
    error: row.error,
    requested_by: row.requestedBy,
    attempts: row.attempts,
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    finished_at: row.finishedAt?.toISOString() ?? null,
    links: { self, events: `${self}/events`, cancel: `${self}/cancel`, retry: `${self}/retry` },
  };
}

import { listWorkersOperation } from '../../../../shared/http/workers.ts';
import { listWorkers } from '../../../../shared/store/workers.ts';
import { ok, type Route, route } from '../../route.ts';

export const workerRoutes = (): Route[] => [
  route(listWorkersOperation, async ({ db }) => {
    const rows = await listWorkers(db);
    return ok({
      items: rows.map(({ loadSlots, startedAt, lastSeenAt, stoppedAt: _stoppedAt, ...row }) => ({
        ...row,
        load_slots: loadSlots,
        started_at: startedAt.toISOString(),
        last_seen_at: lastSeenAt.toISOString(),
      })),
    });
  }),
];

import type { Health, HealthCheck } from '../../../../shared/http/system.ts';
import { messageOf } from '../../../../shared/kernel/errors.ts';
import type { Logger } from '../../../../shared/platform/log.ts';
import type { Database } from '../../../../shared/platform/postgres/db.ts';
import { countAliveWorkers } from '../../../../shared/store/workers.ts';
import { within } from '../../within.ts';
import type { GuardWatch } from './guard-watch.ts';

/** A load balancer gives up after a few seconds: a store that takes longer than this counts as down. */
const checkTimeoutMs = 1000;

export interface HealthDeps {
  version: string;
  database: Database;
  applicationDatabase: Database;
  queue: { ping(): Promise<void> };
  guards: GuardWatch;
  logger: Logger;
}

/** Asks every store at once; takes at most a second, whatever is down. What failed, and how, is in the log. */
export async function readHealth(deps: HealthDeps): Promise<Health> {
  const check = (name: string, probe: Promise<unknown>) => checked(deps.logger, name, probe);
  let alive = 0;
  const [postgres, applicationDatabase, queue, guards, workers] = await Promise.all([
    check('postgres', ping(deps.database)),
    check('application_database', ping(deps.applicationDatabase)),
    check('queue', deps.queue.ping()),
    check('guards', deps.guards.assertWhole()),
    check(
      'workers',
      countAliveWorkers(deps.database.db).then(count => {
        alive = count;
      }),
    ),
  ]);
  const workersUp = workers.status === 'ok' && alive > 0;
  const stores = [postgres, applicationDatabase, queue];
  return {
    status: stores.some(isDown) ? 'down' : workersUp && !isDown(guards) ? 'ok' : 'degraded',
    version: deps.version,
    uptime_seconds: Math.round(process.uptime()),
    checks: {
      postgres,
      application_database: applicationDatabase,
      queue,
      guards,
      workers: { status: workersUp ? 'ok' : 'down', count: alive },
    },
  };
}

const isDown = ({ status }: HealthCheck): boolean => status === 'down';

const ping = async ({ sql }: Database): Promise<unknown> => sql`select 1`;

async function checked(logger: Logger, name: string, probe: Promise<unknown>): Promise<HealthCheck> {
  try {
    await within(checkTimeoutMs, probe);
    return { status: 'ok' };
  } catch (error) {
    logger.warn({ check: name, reason: messageOf(error) }, 'a health check failed');
    return { status: 'down' };
  }
}

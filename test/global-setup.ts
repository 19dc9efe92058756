import { createLifecycle, type Lifecycle } from '../shared/kernel/lifecycle.ts';
import { startTestPostgres } from './servers/postgres.ts';
import { runningServers } from './servers/running.ts';

/**
 * Starts the servers that all test files share, and tells the workers by environment variables where they are.
 * Jest calls this once for each project that needs it: the first call starts them, the others find them up.
 */
export default async function startServers(): Promise<void> {
  const servers = runningServers();
  if (servers.lifecycle !== undefined) return;
  const lifecycle = createLifecycle();
  servers.lifecycle = lifecycle;
  stopOnSignal(lifecycle);
  const database = lifecycle.add(await startTestPostgres());
  process.env.TEST_POSTGRES_URL = database.url();
}

/** Jest ends at once on Ctrl-C, without its teardown; the servers would stay. */
function stopOnSignal(lifecycle: Lifecycle): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void lifecycle.stop().finally(() => process.exit(130)));
  }
}

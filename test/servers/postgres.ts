import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { Service } from '../../shared/kernel/lifecycle.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../shared/platform/embedded-postgres.ts';
import { removeEmbeddedPostgres } from '../../shared/platform/embedded-postgres-data.ts';
import { clearLock } from '../../shared/platform/embedded-postgres-lock.ts';
import { createDatabaseIfMissing, migrateDatabase } from '../../shared/platform/migrate.ts';
import { prepareQueueStore } from '../../shared/platform/queue/backend.ts';
import { queueSchema, templates } from './templates.ts';

/** Nothing here has to survive a power cut, and many test files connect at once. */
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' };

const dataPrefix = 'muster-test-postgres-';

/** A server for one run of Jest, with its templates; its data goes away with it. */
export async function startTestPostgres(): Promise<Service & Pick<EmbeddedPostgres, 'url'>> {
  await removeAbandoned();
  const dataDir = join(tmpdir(), `${dataPrefix}${process.pid}`);
  const server = await startEmbeddedPostgres({ dataDir, settings });
  await Promise.all([makeTemplate(server, 'platform'), makeTemplate(server, 'application')]);
  return {
    name: server.name,
    url: server.url,
    async stop() {
      await server.stop();
      await removeEmbeddedPostgres(dataDir);
    },
  };
}

async function makeTemplate(server: EmbeddedPostgres, kind: keyof typeof templates): Promise<void> {
  const name = templates[kind];
  await createDatabaseIfMissing(server.url(), name);
  await migrateDatabase(server.url(name), join(import.meta.dirname, `../../drizzle/${kind}/migrations`));
  if (kind === 'platform') await prepareQueueStore({ databaseUrl: server.url(name), prefix: queueSchema });
  const admin = postgres(server.url(), { max: 1 });
  await admin`alter database ${admin(name)} with allow_connections false`; // a connection would block the copying
  await admin.end();
}

/** Stops and removes what runs before this one left behind when they were killed. */
async function removeAbandoned(): Promise<void> {
  const folders = (await readdir(tmpdir())).filter(name => /^muster-test-postgres-\d+$/.test(name));
  for (const name of folders.filter(name => !isAlive(Number(name.slice(dataPrefix.length))))) {
    const dataDir = join(tmpdir(), name);
    await clearLock(dataDir, dataDir, () => {}).catch(() => {}); // another user's, perhaps
    await rm(dataDir, { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

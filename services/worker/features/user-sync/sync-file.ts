import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SyncResult } from '../../../../shared/contracts/user-sync.ts';
import { summarize } from '../../../../shared/store/accounts/bucket-comparison.ts';
import { readWatermark } from '../../../../shared/store/user-sync/synced-users.ts';
import { presentUser } from '../../../../shared/store/users/user-directory.ts';
import { readUsers } from '../../../../shared/store/users/user-export.ts';
import type { JobCall } from '../../job-runner.ts';
import type { UserSyncDeps } from './deps.ts';
import { withPasswords } from './passwords.ts';
import type { SyncSession } from './session.ts';

/** Enough of a file's end to hold its metadata, which stand last. */
const tailBytes = 4096;
const draftSuffix = '.draft';
/** Longer than any file takes to be written. */
const abandonedAfterMs = 24 * 3600 * 1000;

/**
 * A file for a load tester's configuration: the export document of the users in scope, `exports/<name>.json`. It is
 * written under another name, synced and renamed, so that who reads it sees the old one or the new one, whole. A file
 * that has the same users already is left alone.
 */
export async function writeSyncFile(
  deps: UserSyncDeps,
  session: SyncSession,
  call: JobCall<unknown>,
): Promise<SyncResult> {
  const { run, application, comparedScope } = session;
  if (run.target.type !== 'file') throw new Error('Not a file');
  call.report({ phase: 'comparing', done: 0, total: 1 });
  const { now } = await readWatermark(deps.applicationDb);
  const { users, digest } = summarize(await application.buckets(comparedScope));
  const path = join(deps.exportsFolder, `${run.target.name}.json`);
  const metadata = { digest, filter: run.filter, with_credentials: run.withCredentials };
  const isSame = !run.full && (await hasMetadata(path, metadata));
  const bytes = isSame || run.dryRun ? 0 : await write(deps, session, path, { users, metadata, call });
  const after = summarize(await application.buckets(comparedScope));
  const count = isSame ? 0 : users;
  return {
    success: true,
    synced_count: users,
    failed_count: 0,
    created: count,
    updated: 0,
    deleted: 0,
    unchanged: users - count,
    conflicts: 0,
    errors: [],
    sync_timestamp: now.toISOString(),
    duration: Math.max(0, Date.now() - call.startedAt.getTime()) / 1000,
    bytes_sent: bytes,
    in_sync: !run.dryRun && after.digest === digest,
    dry_run: run.dryRun,
    clock_skew_ms: 0,
  };
}

const lastMember = (metadata: object): string => `"metadata":${JSON.stringify(metadata)}}`;

async function hasMetadata(path: string, metadata: object): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, start);
    return buffer.subarray(0, bytesRead).toString('utf8').trimEnd().endsWith(lastMember(metadata));
  } finally {
    await file.close();
  }
}

interface Content {
  users: number;
  metadata: object;
  call: JobCall<unknown>;
}

async function write(
  deps: UserSyncDeps,
  session: SyncSession,
  path: string,
  content: Content,
): Promise<number> {
  await mkdir(deps.exportsFolder, { recursive: true, mode: 0o700 });
  await removeLeftovers(deps.exportsFolder, path);
  const draft = `${path}.${randomUUID()}${draftSuffix}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(documentOf(deps, session, content));
    await file.sync();
    const { size } = await file.stat();
    await file.close();
    await rename(draft, path);
    await syncFolder(deps.exportsFolder);
    return size;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(draft, { force: true });
    throw error;
  }
}

/** What a worker that died left: of this file, which nobody else writes now, and of others when it is too old to be at work. */
async function removeLeftovers(folder: string, path: string): Promise<void> {
  const drafts = (await readdir(folder)).filter(name => name.endsWith(draftSuffix));
  for (const draft of drafts.map(name => join(folder, name))) {
    const isOwn = draft.startsWith(`${path}.`);
    const found = isOwn ? undefined : await stat(draft).catch(() => undefined); // its writer may be done with it
    const isOld = found !== undefined && Date.now() - found.mtimeMs > abandonedAfterMs;
    if (isOwn || isOld) await rm(draft, { force: true });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}

async function* documentOf(
  deps: UserSyncDeps,
  { run, comparedScope }: SyncSession,
  { users: total, metadata, call }: Content,
): AsyncGenerator<string> {
  const filter = {
    batchId: comparedScope.batchId,
    testUsersOnly: comparedScope.testUsersOnly,
    ...(comparedScope.modifiedSince !== undefined && {
      modifiedSince: new Date(comparedScope.modifiedSince),
    }),
  };
  const heading = JSON.stringify({
    export_timestamp: new Date().toISOString(),
    source_system: 'application',
    total_count: total,
  });
  yield `${heading.slice(0, -1)},"users":[`;
  let done = 0;
  for await (const rows of readUsers(deps.applicationDb, deps.users, filter, { signal: call.signal })) {
    const users = await withPasswords(deps, run, rows.map(presentUser));
    yield (done === 0 ? '' : ',') + users.map(user => JSON.stringify(user)).join(',\n');
    done += rows.length;
    call.report({ phase: 'writing', done, total });
  }
  yield `],${lastMember(metadata)}\n`;
}

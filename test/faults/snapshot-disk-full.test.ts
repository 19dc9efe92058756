import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { testDatabases } from '../fixtures/database.ts';
import { testSnapshots } from '../fixtures/snapshots.ts';

const databases = testDatabases();
const snapshots = testSnapshots();
const program = fileURLToPath(new URL('./snapshot-process.ts', import.meta.url));

/** 512 KiB a file, by the system's own limit: a full disk that needs no file system to be mounted. */
const withSmallFiles = ['-c', 'ulimit -f 1024 && exec "$0" "$@"', process.execPath, program];

let child: ReturnType<typeof spawn> | undefined;
afterEach(() => child?.kill('SIGKILL'));

it('ends a snapshot that the disk has no space for, while the database still sends rows', async () => {
  const { sql } = databases.application;
  await sql`create table blobs (id int primary key, body bytea not null, is_test_data boolean not null)`;
  // 16 MB that no compression makes smaller: more than all the buffers between the database and the file take.
  await sql`insert into blobs
    select i, (select string_agg(uuid_send(gen_random_uuid()), '') from generate_series(i, i + 999)), true
    from generate_series(1, 1000) i`;
  child = spawn('sh', withSmallFiles, {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  for (const said of ['ready', 'begun', 'storage_full']) {
    const next = once(child, 'message');
    if (said === 'begun')
      child.send({
        url: databases.applicationUrl,
        folder: snapshots.folder,
        action: 'create',
        name: 'too-large',
      });
    expect((await next)[0]).toBe(said);
  }
  await once(child, 'exit');
  expect(await readdir(snapshots.folder)).toEqual([]);
});

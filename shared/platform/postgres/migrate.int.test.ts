import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { migrateDatabase } from './migrate.ts';

const databases = testDatabases();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-migrations-'));
  const entries = [{ idx: 0, version: '7', when: 1, tag: '0000_first', breakpoints: true }];
  await mkdir(join(folder, 'meta'));
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify({ version: '7', entries }));
  await writeFile(join(folder, '0000_first.sql'), 'create table migrated (id integer);');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('makes tables in public, also for a role that has a schema of its own name', async () => {
  const { sql } = databases.application;
  await sql`create schema authorization current_user`;
  await migrateDatabase(databases.applicationUrl, folder, { schema: 'other_migrations' });
  const tables = await sql`select schemaname from pg_tables where tablename = 'migrated'`;
  expect([...tables]).toEqual([{ schemaname: 'public' }]);
});

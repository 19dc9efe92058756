import { testDatabases } from '../../../test/fixtures/database.ts';
import { type BaseDigest, readBases, replaceBases, saveBases, summarizeBases } from './sync-bases.ts';

const databases = testDatabases();
const db = () => databases.platform.db;
const targetKey = 'http://peer';
const testUsers = { targetKey, testUsersOnly: true };
const everybody = { targetKey, testUsersOnly: false };
const [ann, bob] = [
  { username: 'ann', digest: '5' },
  { username: 'bob', digest: '-7' },
];

async function* pagesOf(...pages: BaseDigest[][]) {
  yield* pages;
}

beforeEach(() => databases.platform.sql`delete from sync_bases`);

it('stay as they were when the users are no more those that were proved to be the same', async () => {
  await saveBases(db(), testUsers, [ann]);
  const proved = { users: 1, digest: 5n };
  await replaceBases(db(), testUsers, proved, pagesOf([ann], [bob]));
  expect(await readBases(db(), targetKey, ['ann', 'bob'])).toEqual(new Map([['ann', '5']]));
  await replaceBases(db(), testUsers, { users: 2, digest: 5n ^ -7n }, pagesOf([ann], [bob]));
  expect(await summarizeBases(db(), testUsers)).toEqual({ users: 2, digest: 5n ^ -7n });
});

it('of production users outlive a sync of test users only', async () => {
  const boss = { username: 'boss', digest: '3' };
  await saveBases(db(), everybody, [ann, boss]);
  await replaceBases(db(), testUsers, { users: 1, digest: 5n }, pagesOf([ann]));
  expect(await summarizeBases(db(), testUsers)).toEqual({ users: 1, digest: 5n });
  expect(await summarizeBases(db(), everybody)).toEqual({ users: 2, digest: 5n ^ 3n });
});

import { bulkChunks, type UserChunk } from '../../../test/fixtures/bulk-chunks.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { storefrontUsers as users } from '../users/user-table.ts';
import { rangeOf, type UserSpec } from './user-creation.ts';
import { createUsersSingly } from './user-creation-singly.ts';

const databases = testDatabases();
const owner = () => databases.application.sql;

const { start } = bulkChunks(databases);

const singly = ({ spec, lease }: UserChunk, range = rangeOf(lease)) =>
  databases.testData.db.transaction(tx => createUsersSingly(tx, users, { spec, lease, range }));

async function made({ batchId }: UserSpec) {
  return owner()<
    { username: string; password_hash: string; custom_attributes: unknown; recorded: boolean }[]
  >`
    select username, password_hash, custom_attributes, id::text = any (
      select unnest(user_keys) from muster.bulk_chunks where batch_id = ${batchId}) as recorded
    from users where test_batch_id = ${batchId} order by length(username), username`;
}

beforeAll(async () => {
  await owner().unsafe(`
    alter table users add constraint no_threes check (username !~ '3@');
    create function dislike() returns trigger language plpgsql as 'begin raise exception ''we do not like %'', new.username; end';
    create trigger dislikes before insert on users for each row when (new.username ~ '5@') execute function dislike()`);
});

it('makes every user whom the table takes, records the keys, and says of the others why not', async () => {
  await owner()`insert into users (username, email, password_hash) values ('o''hara\\_7@x.test', 'seven', 'x')`;
  const chunk = await start(`o'hara\\_{id}@x.test`, 12);
  const { refused, conflicts } = await singly(chunk);
  expect(refused).toEqual([
    { index: 3, state: '23514', message: expect.stringContaining('"no_threes"') },
    { index: 5, state: 'P0001', message: `we do not like o'hara\\_5@x.test` },
  ]);
  expect(conflicts).toMatchObject([{ index: 7, code: 'duplicate_username' }]);
  const rows = await made(chunk.spec);
  expect(rows.map(({ username }) => username)).toEqual(
    [1, 2, 4, 6, 8, 9, 10, 11, 12].map(id => `o'hara\\_${id}@x.test`),
  );
  expect(rows.every(({ recorded }) => recorded)).toBe(true);
  expect(rows[0]?.custom_attributes).toEqual(chunk.spec.customAttributes);
});

it('tells once of a user whose address several have, where addresses need not be unique', async () => {
  await owner().unsafe(`
    alter table users drop constraint users_email_unique;
    insert into users (username, email, password_hash) values
      ('shared_1@x.test', 'shared_1@x.test', 'x'), ('somebody', 'shared_1@x.test', 'x')`);
  const { conflicts } = await singly(await start('shared_{id}@x.test', 2));
  expect(conflicts).toMatchObject([{ index: 1, code: 'duplicate_username' }]);
});

it('makes a range twice as if it were once', async () => {
  const chunk = await start('twice_{id}@x.test', 4);
  await singly(chunk, { first: 1, last: 2 });
  expect(await singly(chunk)).toEqual({
    refused: [expect.objectContaining({ index: 3 })],
    conflicts: [],
  });
  expect(await made(chunk.spec)).toHaveLength(3);
});

it.each([
  ['as many passwords as users', undefined, ['hash 1', 'hash 2', 'hash 4']],
  ['fewer passwords than users', 2, ['hash 1', 'hash 0', 'hash 0']],
])('gives each user its own hash: %s', async (name, modulus, hashes) => {
  const slots = modulus === undefined ? [1, 2, 3, 4] : [0, 1];
  const password = { modulus, slots, hashes: slots.map(slot => `hash ${slot}`) };
  const chunk = await start(`${name.split(' ')[0]}_{id}@x.test`, 4, { password });
  await singly(chunk);
  expect((await made(chunk.spec)).map(row => row.password_hash)).toEqual(hashes);
});

it('ends with what blames no row: a guard stops it as a whole', async () => {
  await owner().unsafe(`create trigger guarded before insert on users for each row
    when (new.username ~ 'stop_2@') execute function muster_guards.refuse_row()`);
  const chunk = await start('stop_{id}@x.test', 4);
  await expect(singly(chunk)).rejects.toMatchObject({ cause: { code: '42501' } });
  expect(await made(chunk.spec)).toEqual([]);
});

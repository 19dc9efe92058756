import { bulkChunks, type UserChunk } from '../../../test/fixtures/bulk-chunks.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { isBatchIdTaken, listBatchUsers } from '../users/user-directory.ts';
import { readUserReferences } from '../users/user-references.ts';
import { storefrontUsers as users } from '../users/user-table.ts';
import { cleanChunks, takeChunks } from './bulk-cleanup.ts';
import { concludeChunk, withdrawChunks } from './bulk-ledger.ts';
import { tallyBatch } from './bulk-tallies.ts';
import { createUsersApart, createUsersTogether, forgetGoneUsers, rangeOf, slotsOf } from './user-creation.ts';

const databases = testDatabases();
const db = () => databases.application.db;
const { start } = bulkChunks(databases);

describe('a chunk of users', () => {
  const together = ({ spec, lease }: UserChunk) =>
    db().transaction(tx => createUsersTogether(tx, users, { spec, lease }));
  const apart = (chunk: UserChunk, range = rangeOf(chunk.lease)) =>
    createUsersApart(db(), users, { ...chunk, range });
  const listed = (batchId: string) => listBatchUsers(db(), users, { batchId, limit: 100 });
  const remove = (batchId: string): Promise<number> =>
    db().transaction(async tx => {
      const taken = await takeChunks(tx, { batchId, limit: 10, except: [] });
      const references = await readUserReferences(tx, users);
      const countGone = async () => 0;
      await cleanChunks(tx, { users, batchId, mark: 'cleaned', references, countGone }, taken);
      return taken.recorded;
    });
  const keysOf = async (batchId: string): Promise<string[]> => {
    const [row] = await databases.application.sql<{ keys: string[] }[]>`
      select array(select key from muster.bulk_chunks, unnest(user_keys) as key where batch_id = ${batchId}) as keys`;
    return row?.keys ?? [];
  };

  it('made together is done, with the key of each user, in one statement', async () => {
    const chunk = await start('together_{id}', 60);
    expect(await together(chunk)).toBe(true);
    const made = await listed(chunk.spec.batchId);
    expect(made).toHaveLength(60);
    expect(made[0]).toMatchObject({
      username: 'together_1',
      email: 'together_1@example.com',
      customAttributes: chunk.spec.customAttributes,
      isTestUser: true,
    });
    expect((await keysOf(chunk.spec.batchId)).toSorted()).toEqual(made.map(({ id }) => id));
    expect(await tallyBatch(db(), chunk.spec.batchId)).toMatchObject({ created: 60, chunksDone: 1 });
  });

  it('whose lease is void makes nobody', async () => {
    const chunk = await start('void_{id}', 10);
    await withdrawChunks(db(), chunk.spec.batchId);
    const attempt = db().transaction(async tx => {
      if (!(await createUsersTogether(tx, users, chunk))) throw new Error('void');
    });
    await expect(attempt).rejects.toThrow('void');
    expect(await listed(chunk.spec.batchId)).toEqual([]);
  });

  it('made twice is the same as made once', async () => {
    const chunk = await start('twice_{id}', 60);
    expect(await apart(chunk, { first: 1, last: 50 })).toEqual([]);
    expect(await apart(chunk)).toEqual([]);
    const made = await listed(chunk.spec.batchId);
    expect(made).toHaveLength(60);
    expect((await keysOf(chunk.spec.batchId)).toSorted()).toEqual(made.map(({ id }) => id));
  });

  it('forgets the keys of users who are gone before it is done again', async () => {
    const chunk = await start('gone_{id}', 5);
    await apart(chunk);
    await databases.application.sql`delete from users where username = 'gone_2'`;
    await forgetGoneUsers(db(), users, chunk.lease);
    expect(await keysOf(chunk.spec.batchId)).toHaveLength(4);
    expect(await apart(chunk)).toEqual([]);
    expect((await keysOf(chunk.spec.batchId)).toSorted()).toEqual(
      (await listed(chunk.spec.batchId)).map(({ id }) => id),
    );
  });

  it('leaves users of others alone, and says whose name or address was in the way', async () => {
    await together(await start('other_{id}', 3));
    const failures = await apart(await start('other_{id}', 5), { first: 2, last: 5 });
    expect(failures.map(({ index, code }) => [index, code])).toEqual([
      [2, 'duplicate_username'],
      [3, 'duplicate_username'],
    ]);
  });

  it('does not count a user whom somebody else put under its id as its own', async () => {
    const chunk = await start('forged_{id}', 3);
    await databases.application.sql`
      insert into users (username, email, password_hash, is_test_user, test_batch_id)
      values ('forged_2', 'forged@shop.test', 'x', true, ${chunk.spec.batchId})`;
    const failures = await apart(chunk);
    expect(failures).toMatchObject([{ index: 2, code: 'duplicate_username' }]);
    await concludeChunk(db(), chunk.lease, failures);
    expect(await keysOf(chunk.spec.batchId)).toHaveLength(2);
    expect(await remove(chunk.spec.batchId)).toBe(2);
    expect(await listed(chunk.spec.batchId)).toMatchObject([{ username: 'forged_2' }]);
  });

  it.each([
    ['as many passwords as users', undefined, [1, 2, 3, 4, 5]],
    ['fewer passwords than users', 2, [1, 0, 1, 0, 1]],
  ])('gives each user its own hash: %s', async (name, modulus, slots) => {
    const chunk = await start(`${name.split(' ')[0]}_hashes_{id}`, 5);
    const needed = slotsOf(rangeOf(chunk.lease), modulus ?? 'all');
    const password = { modulus, slots: needed, hashes: needed.map(slot => `hash ${slot}`) };
    await together({ ...chunk, spec: { ...chunk.spec, password } });
    const rows = await databases.application.sql`
      select password_hash from users where test_batch_id = ${chunk.spec.batchId} order by username`;
    expect(rows.map(row => row.password_hash)).toEqual(slots.map(slot => `hash ${slot}`));
  });

  it('goes with its batch and with what refers to it, and nothing else goes', async () => {
    const [kept, gone] = [await start('kept_{id}', 5), await start('leaving_{id}', 7)];
    await together(kept);
    await together(gone);
    await databases.application.sql`
      insert into carts (user_id) select id from users where username in ('kept_1', 'leaving_1')`;
    expect(await remove(gone.spec.batchId)).toBe(7);
    expect(await listed(gone.spec.batchId)).toEqual([]);
    expect(await isBatchIdTaken(db(), users, gone.spec.batchId)).toBe(true);
    expect(await listed(kept.spec.batchId)).toHaveLength(5);
    expect(await databases.application.sql`select from carts`).toHaveLength(1);
  });
});

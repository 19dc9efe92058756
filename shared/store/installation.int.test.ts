import { sql } from 'drizzle-orm';
import { testDatabases } from '../../test/fixtures/database.ts';
import { createVault } from '../platform/crypto.ts';
import { assertEncryptionKey } from './installation.ts';

const databases = testDatabases();
const [ours, theirs] = ['0'.repeat(64), 'f'.repeat(64)].map(createVault) as [
  ReturnType<typeof createVault>,
  ReturnType<typeof createVault>,
];

beforeEach(async () => {
  await databases.platform.db.execute(sql`truncate installation`);
});

it('takes the first key for that of the installation, and refuses every other', async () => {
  const { db } = databases.platform;
  await assertEncryptionKey(db, ours);
  await assertEncryptionKey(db, ours);
  await expect(assertEncryptionKey(db, theirs)).rejects.toMatchObject({
    code: 'secret_unreadable',
    message: 'MUSTER_ENCRYPTION_KEY is not the key of this installation',
  });
});

it('lets one of two keys win where many start at once for the first time', async () => {
  const { db } = databases.platform;
  const vaults = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? ours : theirs));
  const outcomes = await Promise.allSettled(vaults.map(vault => assertEncryptionKey(db, vault)));
  const accepted = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index % 2] : []));
  expect(new Set(accepted).size).toBe(1);
  expect(accepted).toHaveLength(6);
});

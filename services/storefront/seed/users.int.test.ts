import { eq } from 'drizzle-orm';
import { users } from '../../../drizzle/application/schema/users.ts';
import { verifyPassword } from '../../../shared/platform/passwords/password.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { demoPassword, seedProductionUsers } from './users.ts';

const { application } = testDatabases();
const { db } = application;

beforeEach(() => db.delete(users));

describe('the seed', () => {
  it('makes production users that can log in', async () => {
    expect(await seedProductionUsers(db)).toBe(5);
    const rows = await db.select().from(users);
    expect(rows.map(row => row.isTestUser || row.createdByBulk || row.testBatchId !== null)).not.toContain(
      true,
    );
    expect(await verifyPassword(rows[0]?.passwordHash, demoPassword)).toBe(true);
  });

  it('changes nothing the second time, and fills up what is missing', async () => {
    await seedProductionUsers(db);
    const before = await db.select().from(users).orderBy(users.id);
    expect(await seedProductionUsers(db)).toBe(0);
    expect(await db.select().from(users).orderBy(users.id)).toEqual(before);
    await db.delete(users).where(eq(users.username, 'mia.tanaka'));
    expect(await seedProductionUsers(db, 7)).toBe(3);
  });

  it('makes none when none are asked for', async () => {
    expect(await seedProductionUsers(db, 0)).toBe(0);
  });
});

import { users } from '../../../drizzle/application/schema/users.ts';
import { hashPassword } from '../../../shared/platform/passwords/password.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';

/** The password of every seeded user, so that anyone can log in as one of them. For development only. */
export const demoPassword = 'Storefront123!';

const names = ['emma.larsen', 'noah.okafor', 'mia.tanaka', 'liam.costa', 'zoe.novak'];

/** The username of the n-th seeded user: the names above, then the same names numbered. */
function usernameAt(index: number): string {
  const name = names[index % names.length] ?? 'customer';
  const round = Math.floor(index / names.length);
  return round === 0 ? name : `${name}.${round + 1}`;
}

/**
 * Puts a few production users (no test markers) into the shop, so that people see that test data comes and
 * goes around them. Users that are there already stay as they are. Gives the number of new ones.
 */
export async function seedProductionUsers(db: Executor, count = names.length): Promise<number> {
  const rows = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const username = usernameAt(index);
      return { username, email: `${username}@shop.example`, passwordHash: await hashPassword(demoPassword) };
    }),
  );
  if (rows.length === 0) return 0;
  const created = await db.insert(users).values(rows).onConflictDoNothing().returning({ id: users.id });
  return created.length;
}

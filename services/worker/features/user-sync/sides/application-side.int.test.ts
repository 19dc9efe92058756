import { storefrontMapping } from '../../../../../shared/contracts/user-mapping.ts';
import { newId } from '../../../../../shared/kernel/ids.ts';
import { passwordHashers } from '../../../../../shared/platform/passwords/password-formats.ts';
import { userTable } from '../../../../../shared/store/users/user-table.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';
import { logIn, startStorefront } from '../../../../../test/fixtures/storefront.ts';
import { changeApplication } from './application-side.ts';

const databases = testDatabases();
const password = 'Secret-123!';

beforeEach(() => databases.application.sql`delete from users`);

/** Takes a user with a password, and one without, over into an application that keeps passwords in this format. */
async function takeOver(format: keyof typeof passwordHashers): Promise<Record<string, string>> {
  const deps = {
    applicationDb: databases.application.db,
    testDataDb: databases.testData.db,
    users: userTable({ ...storefrontMapping, password_format: format }),
    references: [],
  };
  const user = (username: string) => ({
    ...{ id: null, username, email: `${username}@shop.example`, role: 'user', custom_attributes: '{}' },
    ...{ is_test_user: true, test_batch_id: newId() },
    ...{ created_at: new Date().toISOString(), updated_at: new Date().toISOString() },
  });
  const users = [{ ...user(`with ${format}`), password }, user(`without ${format}`)];
  const none = new Map<string, string>();
  const outcome = await changeApplication(deps, { users, deletions: [], seen: none, wanted: none });
  expect(outcome).toMatchObject({ created: 2, faults: [] });
  const rows = await databases.application.sql<{ username: string; hash: string }[]>`
    select username, password_hash as hash from users where username like ${`% ${format}`}`;
  return Object.fromEntries(rows.map(({ username, hash }) => [username, hash]));
}

it.each(['argon2id', 'bcrypt', 'werkzeug-scrypt', 'werkzeug-pbkdf2', 'django-pbkdf2'] as const)(
  'a user who comes to the application has a password in its format: %s',
  async format => {
    const hashes = await takeOver(format);
    const { verify } = passwordHashers[format];
    expect(await verify(hashes[`with ${format}`] ?? '', password)).toBe(true);
    expect(await verify(hashes[`with ${format}`] ?? '', 'another')).toBe(false);
    expect(hashes[`without ${format}`]).toBe('!');
  },
);

it('a user who comes to the storefront can log in there, and one of whom no password is known cannot', async () => {
  await takeOver('argon2id');
  const shop = await startStorefront(databases.application);
  try {
    expect((await logIn(shop.url, 'with argon2id', password)).status).toBe(200);
    expect((await logIn(shop.url, 'without argon2id', '!')).status).toBe(401);
  } finally {
    await shop.stop();
  }
});

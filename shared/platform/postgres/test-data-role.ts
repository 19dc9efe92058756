import postgres from 'postgres';
import { AppError } from '../../kernel/errors.ts';
import { sqlStateOf } from './sql-state.ts';

/** The role over which every write of Muster to the application's users goes (docs/safe-cleanup.md). */
export const testDataRole = 'muster_test_data';

/** The address of the same database for that role. */
export function testDataUrl(applicationUrl: string, password: string): string {
  const url = new URL(applicationUrl);
  url.username = testDataRole;
  url.password = password;
  return url.href;
}

/**
 * Sees to it that the role, which the migrations made, can log in with the password of `url`. Does nothing where it
 * can already. Several processes may call it at once, for one database or several of one server.
 * @param adminUrl where the role is altered if it must be: somebody who may do that
 * @throws AppError `validation_failed` when it cannot log in and may not be altered
 */
export async function openTestDataRole(adminUrl: string, url: string): Promise<void> {
  if (decodeURIComponent(new URL(url).username) !== testDataRole) {
    throw new AppError('validation_failed', `TEST_DATA_DATABASE_URL does not log in as ${testDataRole}`);
  }
  if (await canLogIn(url)) return;
  const password = decodeURIComponent(new URL(url).password);
  await alterRole(adminUrl, password).catch((error: unknown) => {
    if (sqlStateOf(error) !== '42501') throw error;
    throw new AppError(
      'validation_failed',
      `${testDataRole} cannot log in with the password of TEST_DATA_DATABASE_URL`,
      {
        hint: `As a superuser: alter role ${testDataRole} login password '...'`,
        cause: error,
      },
    );
  });
}

/** invalid_authorization_specification (a role without LOGIN), invalid_password. */
const refusals = ['28000', '28P01'];

async function canLogIn(url: string): Promise<boolean> {
  const connection = connect(url);
  try {
    await connection`select 1`;
    return true;
  } catch (error) {
    if (refusals.includes(sqlStateOf(error) ?? '')) return false;
    throw error;
  } finally {
    await connection.end({ timeout: 5 });
  }
}

/** Roles are the whole server's: an advisory lock, which is one database's, would not keep two of them apart. */
async function alterRole(adminUrl: string, password: string, tries = 5): Promise<void> {
  const connection = connect(adminUrl);
  try {
    const literal = `'${password.replaceAll("'", "''")}'`; // a statement of this kind takes no parameters
    await connection.unsafe(`alter role ${testDataRole} login noinherit password ${literal}`);
  } catch (error) {
    if (tries > 1 && String(error).includes('tuple concurrently updated')) {
      return await alterRole(adminUrl, password, tries - 1);
    }
    throw error;
  } finally {
    await connection.end({ timeout: 5 });
  }
}

const connect = (url: string): postgres.Sql =>
  postgres(url, {
    max: 1,
    connect_timeout: 5,
    connection: { application_name: 'muster role', standard_conforming_strings: 'on' },
    onnotice: () => {},
  });

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { otherMapping } from '../../../test/fixtures/other-application.ts';
import { testKey } from '../../../test/fixtures/vault.ts';
import { loadUserTable } from './load-user-table.ts';

const databases = testDatabases();
const known = 'there are argon2id, bcrypt, werkzeug-scrypt, werkzeug-pbkdf2, django-pbkdf2';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mapping-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The example's mapping with another format. */
async function mappingWith(format: string): Promise<string> {
  const path = join(folder, `${format}.yaml`);
  const example = await readFile(otherMapping, 'utf8');
  await writeFile(path, example.replace('werkzeug-scrypt', format));
  return path;
}

describe('the format of password hashes in a mapping', () => {
  it.each(['django-pbkdf2', 'werkzeug-pbkdf2'])('may be %s', async format => {
    const { mapping } = await loadUserTable(await mappingWith(format));
    expect(mapping.password_format).toBe(format);
  });

  it('is refused with those that are known, before the API takes anything', async () => {
    const path = await mappingWith('md5');
    await expect(loadUserTable(path)).rejects.toThrow(`/password_format "md5" is not known: ${known}`);
    const api = spawn(process.execPath, ['services/api/main.ts'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        DATABASE_URL: databases.platformUrl,
        APP_DATABASE_URL: databases.applicationUrl,
        MUSTER_ENCRYPTION_KEY: testKey,
        USER_DIRECTORY: path,
      },
    });
    const [said, [code]] = await Promise.all([text(api.stdout), once(api, 'exit')]);
    expect(said).toContain(known);
    expect(code).toBe(78);
  });
});

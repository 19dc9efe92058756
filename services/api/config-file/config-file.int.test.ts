import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../shared/platform/log.ts';
import { listDeeds } from '../../../shared/store/access/audit-log.ts';
import { changeSettings, listSettingsHistory, readSettings } from '../../../shared/store/settings.ts';
import { findTemplateRow } from '../../../shared/store/users/user-templates.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { testKey, testVault } from '../../../test/fixtures/vault.ts';
import { applyConfigFile } from './apply.ts';
import { readConfigFile } from './read.ts';

const databases = testDatabases();
const db = () => databases.platform.db;
const logger = createLogger('test', { level: 'silent' });
const noCeiling = { maxBulkUsers: undefined };
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** Starts an api with this file, as far as the file goes. */
async function start(path: string): Promise<void> {
  await applyConfigFile(
    { db: db(), vault: testVault, encryptionKey: testKey, logger },
    await readConfigFile(path, noCeiling),
  );
}

describe('a config file', () => {
  it('puts settings and templates in force, under its own name', async () => {
    await start('infra/muster.example.yaml');
    expect(await readSettings(db())).toMatchObject({
      sync_enabled: true,
      auto_login_on_sync: true,
      max_bulk_users: 1000,
      cleanup_on_shutdown: true,
    });
    expect(await listSettingsHistory(db(), { name: 'max_bulk_users', limit: 10 })).toMatchObject([
      { from: 1_000_000, to: 1000, changedBy: 'config file' },
    ]);
    const admin = await findTemplateRow(db(), 'admin');
    expect(admin).toMatchObject({
      config: { username_pattern: 'admin_{id}@example.com', user_role: 'admin' },
      updatedBy: 'config file',
    });
    expect(testVault.open(admin?.sealedPassword ?? '')).toBe('AdminPass123!');
    const deeds = await listDeeds(db(), { actor: 'config file', limit: 100 });
    expect(deeds.map(({ action, subject }) => `${action} ${subject}`)).toContain('templates.replace admin');
  });

  it.each([
    [
      'exact.json',
      '{"user_creation_templates":{"exact":{"custom_attributes":{"price":1.50,"id":9007199254740993}}}}',
    ],
    [
      'exact.yaml',
      'user_creation_templates:\n  exact:\n    custom_attributes: { price: 1.50, id: 9007199254740993 }\n',
    ],
  ])('keeps the numbers of custom attributes as they are written: %s', async (name, content) => {
    const { user_creation_templates: templates } = await readConfigFile(await file(name, content), noCeiling);
    expect(JSON.stringify(templates.exact?.config)).toBe(
      '{"custom_attributes":{"price":1.50,"id":9007199254740993}}',
    );
  });

  it('leaves alone what people changed since, until it changes itself', async () => {
    await changeSettings(db(), { max_bulk_users: 50 }, 'ada');
    await start('infra/muster.example.yaml');
    expect(await readSettings(db())).toMatchObject({ max_bulk_users: 50 });
    const changed = await file('changed.json', { bulk_user_management: { max_bulk_users: 70 } });
    await Promise.all([start(changed), start(changed)]);
    expect(await readSettings(db())).toMatchObject({ max_bulk_users: 70, sync_enabled: true });
    expect(await listSettingsHistory(db(), { name: 'max_bulk_users', limit: 1 })).toMatchObject([
      { from: 50, to: 70 },
    ]);
  });

  it('is refused with every fault and its path', async () => {
    const path = await file('faulty.json', {
      bulk_user_management: { max_bulk_users: 'many', speed: 9 },
      user_creation_templates: {
        'No Name': {},
        default: { username_pattern: 'user_${id}', role: 'a', user_role: 'b' },
        admin: { password: 'x' },
      },
      more: true,
    });
    const error = await readConfigFile(path, noCeiling).catch((thrown: unknown) => thrown);
    const lines = String(error)
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(' ')[0]);
    expect([...new Set(lines)].sort()).toEqual([
      '/bulk_user_management/max_bulk_users',
      '/bulk_user_management/speed',
      '/more',
      '/user_creation_templates/No Name'.split(' ')[0],
      '/user_creation_templates/admin/password',
      '/user_creation_templates/default/username_pattern',
    ]);
  });

  it.each([
    ['twice.yaml', 'a: 1\na: 2', /twice\.yaml cannot be read: .*unique/],
    ['broken.json', '{"a"', /broken\.json cannot be read/],
    ['empty.yaml', '', /the file/],
    ['both.json', { user_creation_templates: { a: { role: 'a', user_role: 'b' } } }, /\/a\/role is the same/],
  ])('%s is refused', async (name, content, message) => {
    await expect(readConfigFile(await file(name, content), noCeiling)).rejects.toThrow(message);
  });

  it('goes no further than the environment, and must be there', async () => {
    const path = await file('much.json', { bulk_user_management: { max_bulk_users: 11 } });
    await expect(readConfigFile(path, { maxBulkUsers: 10 })).rejects.toThrow(
      /must be at most 10: MAX_BULK_USERS/,
    );
    await expect(readConfigFile(join(folder, 'none.json'), noCeiling)).rejects.toThrow(/ENOENT/);
  });
});

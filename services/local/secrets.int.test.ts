import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../shared/platform/config.ts';
import { loadSecrets } from './secrets.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'muster-secrets-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

const load = (env: Record<string, string> = {}) => loadSecrets(loadConfig({ DATA_DIR: dataDir, ...env }));
const modeOf = async (file: string) => (await stat(join(dataDir, file))).mode & 0o777;

describe('the secrets of the local stack', () => {
  it('are made once and kept', async () => {
    const first = await load();
    expect(first.apiKey).toMatch(/^muster_.{43}$/);
    expect(first.encryptionKey).toMatch(/^[0-9a-f]{64}$/);
    expect(first.testDataPassword).toMatch(/^[0-9a-f]{64}$/);
    expect(await load()).toEqual(first);
  });

  it('are readable by their owner alone, also when a copy of the folder made them open', async () => {
    await load();
    await chmod(join(dataDir, 'api-key'), 0o644);
    await load();
    const modes = ['api-key', 'encryption-key', 'test-data-password'].map(modeOf);
    expect(await Promise.all(modes)).toEqual([0o600, 0o600, 0o600]);
  });

  it('come from the environment when it has them, and are not written down', async () => {
    const given = {
      MUSTER_API_KEY: 'given-api-key-0123456789',
      MUSTER_ENCRYPTION_KEY: 'ab'.repeat(32),
      TEST_DATA_DATABASE_URL: 'postgres://muster_test_data:given@127.0.0.1/unused',
    };
    expect(await load(given)).toEqual({
      apiKey: given.MUSTER_API_KEY,
      encryptionKey: given.MUSTER_ENCRYPTION_KEY,
      testDataPassword: '',
    });
    expect(await readdir(dataDir)).toEqual([]);
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../shared/platform/config.ts';
import { writeStackFile } from '../../shared/platform/local-stack.ts';
import { locateDeployment } from './locate.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'muster-locate-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

const configWith = (env: Record<string, string> = {}) => loadConfig({ DATA_DIR: dataDir, ...env });
const keepKey = () => writeFile(join(dataDir, 'api-key'), 'local-key\n');
const runStack = () =>
  writeStackFile(dataDir, {
    pid: 1,
    api_url: 'http://127.0.0.1:4242',
    storefront_url: 'http://127.0.0.1:4243',
    started_at: '2026-01-31T12:00:00Z',
  });

describe('locating a deployment', () => {
  it('takes the option before the environment, then the local stack, then port 8080', async () => {
    const url = async (env: Record<string, string>, option?: string) =>
      (await locateDeployment(configWith(env), option)).url;
    expect(await url({})).toBe('http://127.0.0.1:8080');
    await runStack();
    expect(await url({})).toBe('http://127.0.0.1:4242');
    expect(await url({ API: 'http://api.test/' })).toBe('http://api.test');
    expect(await url({ API: 'http://api.test' }, 'http://option.test')).toBe('http://option.test');
  });

  it('uses the key of the local stack on this machine only', async () => {
    await keepKey();
    const key = async (api: string) => (await locateDeployment(configWith(), api)).apiKey;
    expect(await key('http://127.0.0.1:1')).toBe('local-key');
    expect(await key('http://localhost:1')).toBe('local-key');
    expect(await key('http://[::1]:1')).toBe('local-key');
    expect(await key('http://127.evil.test')).toBeUndefined();
    expect(await key('https://muster.test')).toBeUndefined();
  });

  it('prefers the key of the environment, which goes anywhere', async () => {
    await keepKey();
    const config = configWith({ MUSTER_API_KEY: 'key-of-the-environment' });
    expect((await locateDeployment(config, 'https://muster.test')).apiKey).toBe('key-of-the-environment');
  });
});

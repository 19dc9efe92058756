import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from './run-to-end.ts';

const script = join(import.meta.dirname, 'main.ts');

describe('npm start', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-start-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const start = (env: NodeJS.ProcessEnv) =>
    runToEnd({
      name: 'npm start',
      args: [script],
      env: { DATA_DIR: folder, PORT: '0', STOREFRONT_PORT: '0', ...env },
      print: () => {},
      signal: new AbortController().signal,
    });

  it('ends with 78 and the reason when what it was given is at fault', async () => {
    await expect(start({ DATABASE_URL: 'postgres://127.0.0.1/unused' })).rejects.toThrow(
      'failed (exit code 78):\nDATABASE_URL is set, but APP_DATABASE_URL is not',
    );
  });

  it('ends with 1 and the reason when a part cannot start', async () => {
    const unused = 'postgres://127.0.0.1:1/unused';
    await expect(start({ DATABASE_URL: unused, APP_DATABASE_URL: unused })).rejects.toThrow(
      /failed \(exit code 1\):\n[\s\S]*migration failed/,
    );
  });
});

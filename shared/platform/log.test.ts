import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const logModule = join(import.meta.dirname, 'log.ts');

/** Logs in a process of its own, since logs go to its stdout. */
async function logged(options: object, statement: string): Promise<string> {
  const program = `
    const { createLogger } = await import(${JSON.stringify(logModule)});
    const logger = createLogger('test', ${JSON.stringify(options)});
    ${statement}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return output;
}

describe('a log', () => {
  it('has no secrets, however deep they lie', async () => {
    const output = await logged(
      { level: 'info' },
      `logger.info({
        password: 'secret-1',
        config: { password: 'secret-2', api_key: 'secret-3' },
        req: { headers: { authorization: 'secret-4', cookie: 'secret-5', 'x-api-key': 'secret-6' } },
      }, 'said');`,
    );
    expect(output).toContain('[redacted]');
    expect(output).not.toContain('secret-');
    expect(JSON.parse(output)).toMatchObject({ level: 'info', service: 'test', msg: 'said' });
  });

  it('has the cause of a failed query, and not its parameters', async () => {
    const output = await logged(
      { level: 'info' },
      `const failed = new Error('Failed query: insert ... params: secret-hash', { cause: new Error('relation is gone') });
      logger.error({ err: Object.assign(failed, { query: 'insert', params: ['secret-hash'] }) }, 'failed');`,
    );
    expect(output).toContain('relation is gone');
    expect(output).not.toContain('secret-hash');
  });

  it('goes to stdout and, with a folder, to a file there too', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'muster-log-'));
    try {
      const output = await logged({ level: 'info', dir, fileName: 'worker-1' }, `logger.info('twice');`);
      const [file = ''] = await readdir(dir);
      expect(file).toMatch(/^worker-1\.\d{4}-\d\d-\d\d\.1\.log$/);
      expect(await readFile(join(dir, file), 'utf8')).toContain('"msg":"twice"');
      expect(output).toContain('"msg":"twice"');
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

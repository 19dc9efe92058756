import { PassThrough } from 'node:stream';
import { loadConfig } from '../../../shared/platform/config.ts';
import { runCli } from '../program.ts';

export interface CliRunOptions {
  /** Of the API. */
  url?: string;
  dataDir?: string;
  signal?: AbortSignal;
  env?: Record<string, string>;
}

/** Runs a command line in this process; gives its exit code and what it wrote. */
export async function runInTest(
  args: string,
  { url, dataDir, signal = new AbortController().signal, env = {} }: CliRunOptions,
): Promise<{ code: number; out: string; err: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const config = loadConfig({ DATA_DIR: dataDir, API: url, ...env });
  const code = await runCli({ config, stdout, stderr, signal }, args.split(' '));
  const read = (stream: PassThrough) => String(stream.read() ?? '');
  return { code, out: read(stdout), err: read(stderr) };
}

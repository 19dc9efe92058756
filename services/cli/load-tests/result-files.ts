import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { readLoadJunitOperation, readLoadReportOperation } from '../../../shared/http/load-test-results.ts';
import { systemCodeOf } from '../../../shared/kernel/errors.ts';
import type { Client } from '../client.ts';
import type { Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { openTarget } from '../files.ts';

/** Where results are kept for whoever looks at them after the command, as CI does. */
export interface ResultFiles {
  junit?: string;
  report?: string;
}

export const addResultFileOptions = (command: Command): Command =>
  command
    .option('--junit <file>', 'when it has ended, keep its thresholds as JUnit test cases')
    .option('--report <file>', 'when it has ended, keep its report: one HTML page');

export const hasResultFiles = ({ junit, report }: ResultFiles): boolean =>
  junit !== undefined || report !== undefined;

/**
 * Looks before the load runs whether there can be such files.
 * @throws CliFailure `usage` for a folder, and for a file in a folder that is not there
 */
export async function checkResultFiles({ junit, report }: ResultFiles): Promise<void> {
  for (const file of [junit, report].filter(each => each !== undefined)) {
    if (await isFolder(file)) throw new CliFailure('usage', `${file} is a folder`);
    const folder = dirname(resolve(file));
    if (!(await isFolder(folder))) throw new CliFailure('usage', `There is no folder ${folder} for ${file}`);
  }
}

/** Of a test that has ended, however it did. */
export async function keepResults(
  { out }: Pick<Context, 'out'>,
  client: Client,
  id: string,
  { junit, report }: ResultFiles,
): Promise<void> {
  if (junit !== undefined) {
    await pipeline([await client.text(readLoadJunitOperation, { params: { id } })], await openTarget(junit));
    out.note(`The thresholds are in ${junit}`);
  }
  if (report === undefined) return;
  await pipeline([await client.text(readLoadReportOperation, { params: { id } })], await openTarget(report));
  out.note(`The report is in ${report}`);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(error) ?? '')) return false;
    throw new CliFailure('usage', `${path} cannot be written: ${systemCodeOf(error)}`, { cause: error });
  }
}

import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemCodeOf } from '../kernel/errors.ts';

/** What `npm start` leaves in its data folder for the CLI and the demo: where things actually listen. */
const localStack = z.object({
  pid: z.number().int(),
  api_url: z.url(),
  /** Absent where the application is another. */
  storefront_url: z.url().optional(),
  started_at: z.iso.datetime(),
});

export type LocalStack = z.infer<typeof localStack>;

export const stackFilePath = (dataDir: string): string => join(dataDir, 'stack.json');
export const apiKeyPath = (dataDir: string): string => join(dataDir, 'api-key');

/** Written whole or not at all, since others poll for it. */
export async function writeStackFile(dataDir: string, stack: LocalStack): Promise<void> {
  const draft = `${stackFilePath(dataDir)}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(stack, null, 2)}\n`);
  await rename(draft, stackFilePath(dataDir));
}

/** The stack that last became ready on this data folder; undefined when there is none. */
export async function readStackFile(dataDir: string): Promise<LocalStack | undefined> {
  const text = await readIfThere(stackFilePath(dataDir));
  if (text === undefined) return undefined;
  return localStack.safeParse(parseJson(text)).data;
}

/** The API key that the local stack made for itself; undefined when there is none. */
export async function readLocalApiKey(dataDir: string): Promise<string | undefined> {
  return (await readIfThere(apiKeyPath(dataDir)))?.trim();
}

/** The text of a file; undefined when there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

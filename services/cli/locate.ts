import { isIP } from 'node:net';
import type { Config } from '../../shared/platform/config.ts';
import { readLocalApiKey, readStackFile } from '../../shared/platform/local-stack.ts';

export interface Deployment {
  url: string;
  apiKey: string | undefined;
}

const defaultUrl = 'http://127.0.0.1:8080';

/**
 * Which API to talk to, and as whom. URL: `--api`, else `API`, else the running local stack, else port 8080 of
 * this machine. Key: `MUSTER_API_KEY`, else the local stack's, which is never sent to another machine.
 */
export async function locateDeployment(config: Config, apiOption?: string): Promise<Deployment> {
  const chosen = apiOption ?? config.API;
  const url = chosen ?? (await readStackFile(config.DATA_DIR))?.api_url ?? defaultUrl;
  const localKey = isThisMachine(url) ? await readLocalApiKey(config.DATA_DIR) : undefined;
  return { url: url.replace(/\/+$/, ''), apiKey: config.MUSTER_API_KEY ?? localKey };
}

function isThisMachine(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

import { getHealthOperation } from '../../../shared/http/system.ts';
import { createClient } from '../client.ts';
import type { Context } from '../context.ts';
import { locateDeployment } from '../locate.ts';
import type { Stage } from './stage.ts';

const defaultStorefrontPort = '5001';

/** A deployment that runs already. Its storefront: `STOREFRONT_URL`, else port 5001 of the API's host. */
export async function openDeployment({ config }: Context, api: string): Promise<Stage> {
  const client = createClient(await locateDeployment(config, api));
  const { version, checks } = await client.read(getHealthOperation);
  const storefrontUrl = (config.STOREFRONT_URL ?? besides(api)).replace(/\/+$/, '');
  const facts: [string, string][] = [
    ['API', client.url],
    ['storefront', storefrontUrl],
  ];
  return {
    client,
    storefrontUrl,
    opened: `the deployment answers: version ${version}, ${checks.workers.count} workers`,
    facts,
    close: async () => 'the deployment stays up',
    leave: async () => [],
    lastLogLines: async () => [],
  };
}

function besides(api: string): string {
  const url = new URL(api);
  url.port = defaultStorefrontPort;
  return url.origin;
}

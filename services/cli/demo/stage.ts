import type { Client } from '../client.ts';
import { createClient } from '../client.ts';
import type { Context } from '../context.ts';
import { locateDeployment } from '../locate.ts';
import { startTemporaryStack } from './temporary-stack.ts';

/** What the demo plays on: a stack of its own, or a deployment that is there already. */
export interface Stage {
  client: Client;
  storefrontUrl: string;
  /** What to show about it: names and values. */
  facts: [string, string][];
  /** Ends what was started for the demo; says what was done. */
  close(): Promise<string>;
  /** Leaves it up; gives what a person needs to go on with it. */
  leave(): Promise<[string, string][]>;
  /** The last words of the stack's own log. */
  lastLogLines(): Promise<string[]>;
}

const defaultStorefrontPort = '5001';

/** A temporary stack, unless `--api` or `API` names a deployment. */
export async function openStage(context: Context, keep: boolean): Promise<Stage> {
  const api = context.api ?? context.config.API;
  return api === undefined ? startTemporaryStack(context, keep) : openDeployment(context, api);
}

async function openDeployment({ config }: Context, api: string): Promise<Stage> {
  const client = createClient(await locateDeployment(config, api));
  const beside = new URL(api);
  beside.port = defaultStorefrontPort;
  const storefrontUrl = config.STOREFRONT_URL ?? beside.origin;
  const facts: [string, string][] = [
    ['API', client.url],
    ['storefront', storefrontUrl],
  ];
  return {
    client,
    storefrontUrl: storefrontUrl.replace(/\/+$/, ''),
    facts,
    close: async () => 'nothing to stop: the deployment and the new users stay',
    leave: async () => facts,
    lastLogLines: async () => [],
  };
}

import { once } from 'node:events';
import { join } from 'node:path';
import { AppError } from '../../shared/kernel/errors.ts';
import type { Config } from '../../shared/platform/config.ts';
import { type KeeperMessage, keeperMessage } from './postgres-messages.ts';
import type { SupervisedChild } from './supervisor.ts';

export interface DatabaseUrls {
  platformUrl: string;
  applicationUrl: string;
}

const keeperScript = join(import.meta.dirname, 'postgres-keeper.ts');
const startTimeoutMs = 90_000; // the first start sets the cluster up; a slow disk takes its time

/** The databases named by the environment; undefined when the stack brings its own. */
export function givenDatabases(config: Config): DatabaseUrls | undefined {
  const { DATABASE_URL: platformUrl, APP_DATABASE_URL: applicationUrl } = config;
  if (platformUrl === undefined && applicationUrl === undefined) return undefined;
  if (platformUrl !== undefined && applicationUrl !== undefined) return { platformUrl, applicationUrl };
  const [given, missing] =
    platformUrl === undefined ? ['APP_DATABASE_URL', 'DATABASE_URL'] : ['DATABASE_URL', 'APP_DATABASE_URL'];
  throw new AppError('validation_failed', `${given} is set, but ${missing} is not`, {
    hint: 'Set both, or neither: then an embedded PostgreSQL runs in the data folder.',
  });
}

/** The arguments of the process that holds the embedded server, on a port that survives its restarts. */
export const keeperArguments = (config: Config, port: number): string[] => [
  keeperScript,
  join(config.DATA_DIR, 'postgres'),
  String(port),
];

/** Starts the keeper and resolves with the addresses of its databases; rejects with its reason otherwise. */
export async function startKeeper(keeper: SupervisedChild, signal: AbortSignal): Promise<DatabaseUrls> {
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]);
  const told = once(keeper.events, 'message', { signal: giveUp });
  const died = once(keeper.events, 'died', { signal: giveUp });
  keeper.start();
  const message = await Promise.race([told.then(parseTold), died.then(() => undefined)]);
  if (message?.ready) return message;
  const reason = message?.message ?? `it ended:\n${keeper.lastLines().slice(-15).join('\n')}`;
  throw new AppError('dependency_unavailable', `The embedded PostgreSQL did not start: ${reason}`, {
    ...(message?.hint === undefined ? {} : { hint: message.hint }),
  });
}

const parseTold = ([message]: unknown[]): KeeperMessage => keeperMessage.parse(message);

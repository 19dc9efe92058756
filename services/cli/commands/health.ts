import type { Command } from 'commander';
import { getHealthOperation } from '../../../shared/http/system.ts';
import type { Act, Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { facts } from '../output.ts';

/** `muster health` */
export function addHealthCommand(program: Command, act: Act): void {
  program.command('health').description('whether the API and what it depends on are well').action(act(show));
}

async function show({ out, connect }: Context): Promise<void> {
  const client = await connect();
  const health = await client.read(getHealthOperation);
  out.result(health, ({ status, version, uptime_seconds, checks }) => [
    `${client.url}: ${status}`,
    ...facts([
      ['  version', version],
      ['  up for', `${Math.round(uptime_seconds)} s`],
      ['  postgres', checks.postgres.status],
      ['  application database', checks.application_database.status],
      ['  queue', checks.queue.status],
      ['  guards', checks.guards.status],
      ['  workers', `${checks.workers.status} (${checks.workers.count})`],
    ]),
  ]);
  if (health.status !== 'ok') throw new CliFailure('failed', `Muster is ${health.status}`);
}

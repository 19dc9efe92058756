import type { Command } from 'commander';
import {
  changeSettingsOperation,
  getSettingsOperation,
  listSettingsHistoryOperation,
} from '../../../shared/http/settings.ts';
import { wholeNumber } from '../arguments.ts';
import type { Act, Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { table } from '../output.ts';

/** `muster settings ...`: what can be changed while Muster runs. */
export function addSettingsCommands(program: Command, act: Act): void {
  const settings = program.command('settings').description('settings that change while Muster runs');
  settings.command('list').description('the settings in force').action(act(listSettings));
  settings
    .command('set <name=value...>')
    .description('change settings: max_bulk_users=5000 accepting_jobs=false bulk_chunk_size=null')
    .action(act((context, _options, ...changes) => changeSettings(context, changes)));
  settings
    .command('history')
    .description('who changed what, newest first')
    .option('--name <setting>', 'of one setting only')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listHistory));
}

const lines = (settings: object): string[] =>
  table(Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)]));

async function listSettings({ out, connect }: Context): Promise<void> {
  out.result(await (await connect()).read(getSettingsOperation), lines);
}

async function changeSettings({ out, connect }: Context, changes: string[]): Promise<void> {
  const body = Object.fromEntries(changes.map(parseChange));
  const settings = await (await connect()).change(changeSettingsOperation, { body });
  out.result(settings, () =>
    lines(Object.fromEntries(Object.entries(settings).filter(([name]) => name in body))),
  );
}

/** A value that is no JSON is a text: sync_conflict_policy=newest. */
function parseChange(change: string): [string, unknown] {
  const at = change.indexOf('=');
  if (at < 1) throw new CliFailure('usage', `${change} is not name=value`);
  const text = change.slice(at + 1);
  try {
    return [change.slice(0, at), JSON.parse(text)];
  } catch {
    return [change.slice(0, at), text];
  }
}

async function listHistory(
  { out, connect }: Context,
  query: { name?: string; limit?: number },
): Promise<void> {
  const page = await (await connect()).read(listSettingsHistoryOperation, {
    query: { name: query.name, limit: query.limit },
  });
  out.page(page, ({ items }) =>
    table([
      ['AT', 'WHO', 'SETTING', 'FROM', 'TO'],
      ...items.map(({ changed_at, changed_by, name, from, to }) => [
        changed_at,
        changed_by,
        name,
        JSON.stringify(from),
        JSON.stringify(to),
      ]),
    ]),
  );
}

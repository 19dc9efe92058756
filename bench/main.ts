import { cpus } from 'node:os';
import { messageOf } from '../shared/kernel/errors.ts';
import { benchBulkLogin } from './bulk-login.ts';
import { benchBulkUsers } from './bulk-users.ts';
import { benchMillionUsers } from './bulk-users-1m.ts';
import { benchCleanup } from './cleanup.ts';
import { benchDatasets } from './datasets.ts';
import { benchDeadlineNotifications } from './deadline-notifications.ts';
import { benchImport } from './import.ts';
import { benchLoadEngine } from './load-engine.ts';
import { proveUserPool } from './user-pool.ts';
import { benchUserSync } from './user-sync.ts';

/**
 * `npm run bench -- NAME ...`: speed as ratios to a named peer, both measured in the same run. Each bench says what it
 * ran, how often, and the spread.
 */
const benches: Record<string, (args: string[]) => Promise<void>> = {
  'bulk-login': args => benchBulkLogin(...numbersIn(args)),
  'bulk-users': args => benchBulkUsers(...numbersIn(args)),
  'bulk-users-1m': args => benchMillionUsers(...numbersIn(args)),
  cleanup: args => benchCleanup(...numbersIn(args)),
  datasets: args => benchDatasets(...numbersIn(args)),
  import: args => benchImport(...numbersIn(args).slice(0, 1)),
  'load-engine': benchLoadEngine,
  'deadline-notifications': benchDeadlineNotifications,
  'user-pool': args => proveUserPool(...numbersIn(args)),
  'user-sync': args => benchUserSync(...numbersIn(args)),
};

/** `[COUNT] [ROUNDS]` */
function numbersIn(args: string[]): number[] {
  const numbers = args.map(Number);
  if (numbers.some(number => !(number > 0))) throw new Error('Usage: npm run bench -- NAME [COUNT] [ROUNDS]');
  return numbers;
}

async function main([name = '', ...args]: string[]): Promise<void> {
  const bench = benches[name];
  if (bench === undefined) {
    console.error(`Usage: npm run bench -- NAME ..., where NAME is ${Object.keys(benches).join(' or ')}`);
    process.exitCode = 2;
    return;
  }
  console.log(
    `${name} on ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.versions.node}`,
  );
  await bench(args);
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});

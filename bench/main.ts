import { cpus } from 'node:os';
import { messageOf } from '../shared/kernel/errors.ts';
import { benchBulkUsers } from './bulk-users.ts';

/**
 * `npm run bench -- NAME [COUNT] [ROUNDS]`: speed as ratios to a named peer, both measured in the same run. Each
 * bench says what it ran, how often, and the spread.
 */
const benches: Record<string, (count?: number, rounds?: number) => Promise<void>> = {
  'bulk-users': benchBulkUsers,
};

async function main([name = '', ...numbers]: string[]): Promise<void> {
  const bench = benches[name];
  const [count, rounds] = numbers.map(Number);
  if (bench === undefined || numbers.some(number => !(Number(number) > 0))) {
    console.error(
      `Usage: npm run bench -- NAME [COUNT] [ROUNDS], where NAME is ${Object.keys(benches).join(' or ')}`,
    );
    process.exitCode = 2;
    return;
  }
  console.log(
    `${name} on ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.versions.node}`,
  );
  await bench(count, rounds);
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});

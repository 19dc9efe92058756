import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import type { Act } from '../context.ts';
import { runDemo } from '../demo/demo.ts';

/** `muster demo`: `npm run demo`. */
export function addDemoCommand(program: Command, act: Act): void {
  program
    .command('demo')
    .description('create users with a temporary stack (or the deployment of --api), and load the shop')
    .option('--keep', 'leave the stack up, and say where it is and how to stop it')
    .option('--users <n>', 'how many users', wholeNumber(1), 1000)
    .option('--seconds <n>', 'how long the load lasts', wholeNumber(1), 15)
    .action(
      act((context, { keep = false, users, seconds }: { keep?: boolean; users: number; seconds: number }) =>
        runDemo(context, { keep, users, seconds }),
      ),
    );
}

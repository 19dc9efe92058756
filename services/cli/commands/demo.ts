import type { Command } from 'commander';
import type { Act } from '../context.ts';
import { runDemo } from '../demo/demo.ts';

/** `muster demo`: `npm run demo`. */
export function addDemoCommand(program: Command, act: Act): void {
  program
    .command('demo')
    .description('create 1,000 users with a temporary stack (or the deployment of --api), and prove it')
    .option('--keep', 'leave the stack up, and say where it is and how to stop it')
    .action(act((context, options: { keep?: boolean }) => runDemo(context, { keep: options.keep ?? false })));
}

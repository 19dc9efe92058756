import type { Command } from 'commander';
import { listWorkersOperation } from '../../../shared/http/workers.ts';
import type { Act, Context } from '../context.ts';
import { table } from '../output.ts';

/** `muster workers` */
export function addWorkersCommand(program: Command, act: Act): void {
  program.command('workers').description('the workers, and what each one does').action(act(listWorkers));
}

async function listWorkers({ out, connect }: Context): Promise<void> {
  const workers = await (await connect()).read(listWorkersOperation);
  out.result(workers, ({ items }) =>
    table([
      ['WORKER', 'STATUS', 'HOST', 'PID', 'ACTIVE', 'COMPLETED', 'FAILED', 'LAST SEEN'],
      ...items.map(worker => {
        const activity = Object.values(worker.queues);
        const sum = (key: 'active' | 'completed' | 'failed') =>
          String(activity.reduce((total, queue) => total + queue[key], 0));
        return [
          worker.name,
          worker.status,
          worker.host,
          String(worker.pid),
          sum('active'),
          sum('completed'),
          sum('failed'),
          worker.last_seen_at,
        ];
      }),
    ]),
  );
}

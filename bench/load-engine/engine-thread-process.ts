import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Delta } from '../../services/worker/features/load-tests/engine/delta.ts';
import type { EnginePlan } from '../../services/worker/features/load-tests/engine/plan.ts';
import { openSendJournal } from '../../services/worker/features/load-tests/send-journal.ts';
import { startEngineThread } from '../../services/worker/features/load-tests/shard/engine-host.ts';
import { newId } from '../../shared/kernel/ids.ts';
import type { RunReport } from './child.ts';

/**
 * One engine in its thread, as a worker runs it, with a file of what it has sent: argument a plan, output a report.
 * Deltas come each second and are merged nowhere: that is the conductor's work, in another process.
 */
async function main(plan: EnginePlan): Promise<RunReport> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  const journal = openSendJournal(folder, { testId: newId(), run: 0, shard: 0, epoch: 1 });
  const engine = startEngineThread(plan, { journal: journal.fd });
  const counted = { requests: 0, failed: 0 };
  const memory: RunReport['memory'] = [];
  let seconds = 0;

  function count({ endpoints }: Delta): void {
    for (const { requests, failed } of Object.values(endpoints)) {
      counted.requests += requests;
      counted.failed += failed;
    }
  }

  await engine.ready;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  engine.onDelta(delta => {
    count(delta);
    seconds++;
    if (seconds === 10 || seconds % 60 === 0) memory.push({ rssBytes: process.memoryUsage.rss() });
  });
  engine.start(0);
  await engine.ended;
  const cpu = process.cpuUsage(cpuBefore);
  journal.close();
  await rm(folder, { recursive: true });
  return {
    ...counted,
    memory,
    seconds: (performance.now() - startedAt) / 1000,
    cpuUs: cpu.user + cpu.system,
  };
}

const [plan = ''] = process.argv.slice(2);
console.log(JSON.stringify(await main(JSON.parse(plan))));

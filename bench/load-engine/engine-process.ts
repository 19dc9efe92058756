import type { Delta } from '../../services/worker/features/load-tests/engine/delta.ts';
import { createEngine } from '../../services/worker/features/load-tests/engine/engine.ts';
import {
  decodeHistogram,
  LatencyRecorder,
} from '../../services/worker/features/load-tests/engine/latency-histogram.ts';
import type { EnginePlan } from '../../services/worker/features/load-tests/engine/plan.ts';
import type { RunReport } from './child.ts';

/**
 * One engine without a thread of its own, which tells how late its starts are: argument a plan, output a report. It is
 * drained every second, as on a worker.
 */
async function main(plan: EnginePlan): Promise<RunReport> {
  const lateness = new LatencyRecorder();
  const engine = createEngine(plan, { lateness });
  const counted = { requests: 0, failed: 0, dropped: 0 };

  function count({ droppedIterations, endpoints }: Delta): void {
    counted.dropped += droppedIterations;
    for (const { requests, failed } of Object.values(endpoints)) {
      counted.requests += requests;
      counted.failed += failed;
    }
  }

  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const timer = setInterval(() => count(engine.drain()), 1000);
  engine.start({ elapsedMs: 0 });
  await engine.ended;
  clearInterval(timer);
  count(engine.drain());
  const cpu = process.cpuUsage(cpuBefore);
  return {
    ...counted,
    memory: [],
    seconds: (performance.now() - startedAt) / 1000,
    cpuUs: cpu.user + cpu.system,
    latenessP99Us: decodeHistogram(lateness.drain()).getValueAtPercentile(99),
  };
}

const [plan = ''] = process.argv.slice(2);
console.log(JSON.stringify(await main(JSON.parse(plan))));

import { createEngine } from '../../services/worker/features/load-tests/engine/engine.ts';
import {
  decodeHistogram,
  LatencyRecorder,
} from '../../services/worker/features/load-tests/engine/latency-histogram.ts';
import {
  addDelta,
  createTotals,
  sumOfEndpoints,
} from '../../services/worker/features/load-tests/engine/merge.ts';
import type { EnginePlan } from '../../services/worker/features/load-tests/engine/plan.ts';
import type { RunReport } from './child.ts';

/** One engine, drained every second as in a worker: argument a plan, output a report. */
async function main(plan: EnginePlan): Promise<RunReport> {
  const lateness = new LatencyRecorder();
  const engine = createEngine(plan, { lateness });
  const totals = createTotals();
  const rssByMinute: number[] = [];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let rssBytes = 0;
  const timer = setInterval(() => {
    addDelta(totals, engine.drain());
    rssBytes = process.memoryUsage.rss();
    if (performance.now() - startedAt > (rssByMinute.length + 1) * 60_000) rssByMinute.push(rssBytes);
  }, 1000);
  engine.start({ elapsedMs: 0 });
  await engine.ended;
  clearInterval(timer);
  addDelta(totals, engine.drain());
  const cpu = process.cpuUsage(cpuBefore);
  const { requests, failed } = sumOfEndpoints(totals);
  return {
    ...{ requests, failed, rssBytes, rssByMinute, dropped: totals.droppedIterations },
    seconds: (performance.now() - startedAt) / 1000,
    cpuUs: cpu.user + cpu.system,
    latenessP99Us: decodeHistogram(lateness.drain()).getValueAtPercentile(99),
  };
}

const [plan = ''] = process.argv.slice(2);
console.log(JSON.stringify(await main(JSON.parse(plan))));

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { EngineHealth } from './delta.ts';

/**
 * Whether the generator itself limits the load. Saturated is: a loop delay above 50 ms at p99 (what the W3C's Long
 * Tasks call long; by then it is a visible part of most latencies), or more than 0.9 of a core in use (at 0.9, work
 * waits ten times as long as it takes: 1 / (1 - 0.9)).
 */
const saturatedDelayMs = 50;
const saturatedCpu = 0.9;
const resolutionMs = 10;

export interface HealthMonitor {
  /** The health of the time since the last call. */
  read(): EngineHealth;
  stop(): void;
}

/** Watches the thread it is created in. */
export function createHealthMonitor(): HealthMonitor {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let cpuBefore = process.threadCpuUsage();
  let readAt = performance.now();
  return {
    read() {
      const cpuNow = process.threadCpuUsage(cpuBefore);
      const now = performance.now();
      const cpu = (cpuNow.user + cpuNow.system) / 1000 / Math.max(1, now - readAt);
      cpuBefore = process.threadCpuUsage();
      readAt = now;
      const loopDelayP99Ms = delayP99Ms(delays);
      delays.reset();
      return {
        loopDelayP99Ms,
        cpu: Math.min(1, Math.round(cpu * 1000) / 1000),
        saturated: loopDelayP99Ms > saturatedDelayMs || cpu > saturatedCpu,
      };
    },
    stop() {
      delays.disable();
    },
  };
}

/** Node measures from one of its ticks to the next, so the tick itself is in every value. */
function delayP99Ms(delays: ReturnType<typeof monitorEventLoopDelay>): number {
  if (delays.count === 0) return 0;
  return Math.max(0, Math.round((delays.percentile(99) / 1e6 - resolutionMs) * 10) / 10);
}

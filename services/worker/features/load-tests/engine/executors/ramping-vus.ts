import type { RampingVus, Stage } from '../plan.ts';
import { atLeast, type ExecutorKind, showSeconds, stageFaults, stagesDurationMs } from './executor.ts';

/** Users that rise and fall in straight lines, stage by stage; a stage of no time is a jump. */
export const rampingVus: ExecutorKind<RampingVus> = {
  faultsOf: ({ startVus, stages }) => [...atLeast('/startVus', startVus, 0), ...stageFaults(stages)],
  describe: executor =>
    `Up to ${maxUsers(executor)} looping users for ${showSeconds(stagesDurationMs(executor.stages))}` +
    ` over ${executor.stages.length} stages`,
  durationMsOf: ({ stages }) => stagesDurationMs(stages),
  schedule: executor => ({
    model: 'closed',
    maxUsers: maxUsers(executor),
    usersAt: elapsedMs => Math.round(usersAt(executor.startVus, executor.stages, elapsedMs)),
  }),
};

const maxUsers = ({ startVus, stages }: RampingVus): number =>
  Math.max(startVus, ...stages.map(({ target }) => Math.round(target)));

function usersAt(startVus: number, stages: readonly Stage[], elapsedMs: number): number {
  let from = startVus;
  let leftMs = elapsedMs;
  for (const { durationMs, target } of stages) {
    if (leftMs < durationMs) return from + ((target - from) * leftMs) / durationMs;
    leftMs -= durationMs;
    from = target;
  }
  return from;
}

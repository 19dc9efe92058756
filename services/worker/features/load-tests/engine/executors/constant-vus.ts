import type { ConstantVus } from '../plan.ts';
import { atLeast, type ExecutorKind, showSeconds } from './executor.ts';

/** The same users from start to end. */
export const constantVus: ExecutorKind<ConstantVus> = {
  faultsOf: ({ vus, durationMs }) => [
    ...atLeast('/vus', vus, 1),
    ...atLeast('/durationMs', durationMs, 1, false),
  ],
  describe: ({ vus, durationMs }) => `${vus} looping users for ${showSeconds(durationMs)}`,
  durationMsOf: ({ durationMs }) => durationMs,
  schedule: ({ vus }) => ({ model: 'closed', maxUsers: vus, usersAt: () => vus }),
};

import type { Delta } from './engine/delta.ts';
import type { EngineAccount, EngineControl, EnginePlan } from './engine/plan.ts';

/** What a worker's main thread and an engine's thread say to each other. */
export type EngineOrder =
  /** `sentAt` of the process's monotonic clock (`process.hrtime`), so that the way to the thread costs no time. */
  | { type: 'start'; elapsedMs: number; sentAt: bigint }
  | { type: 'control'; control: EngineControl }
  | { type: 'accounts'; accounts: readonly EngineAccount[] }
  | { type: 'stop' }
  | { type: 'abort' };

export type EngineNews = { type: 'ready' } | { type: 'delta'; delta: Delta } | { type: 'ended' };

export interface EngineThreadInput {
  plan: EnginePlan;
  accounts: readonly EngineAccount[];
}

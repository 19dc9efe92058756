import type { Delta } from '../engine/delta.ts';
import type { AccountList } from '../engine/engine-parts.ts';
import type { EngineAccount, EngineControl, EnginePlan } from '../engine/plan.ts';

/** What a worker's main thread and an engine's thread say to each other. */
export type EngineOrder =
  /** `sentAt` of the process's monotonic clock (`process.hrtime`), so that the way to the thread costs no time. */
  | { type: 'start'; elapsedMs: number; sentAt: bigint }
  | { type: 'control'; control: EngineControl }
  | { type: 'accounts'; accounts: AccountList }
  | { type: 'account'; position: number; account: EngineAccount | undefined }
  | { type: 'stop' }
  | { type: 'abort' };

export type EngineNews =
  | { type: 'ready' }
  | { type: 'delta'; delta: Delta }
  /** A user of the engine waits for a new session. */
  | { type: 'unauthorized'; position: number }
  /** What it sends is not counted in its file any more. */
  | { type: 'uncounted'; reason: string }
  | { type: 'ended' };

export interface EngineThreadInput {
  plan: EnginePlan;
  accounts: AccountList;
  /** Whether a user whose session the target refuses waits for a new one. */
  renews: boolean;
  /** Of the fence that says until when it may send (`send-fence.ts`), where there is one. */
  fence: SharedArrayBuffer | undefined;
  /** The file to count sent requests in, where there is one. */
  journal: number | undefined;
}

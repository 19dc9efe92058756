import type { UserMapping } from '../../../../shared/contracts/user-mapping.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { findGuardFaults } from '../../../../shared/store/guards/faults.ts';

/** A look reads the catalogue some ten times, which is more than a health check a second should cost. */
const keptMs = 15_000;

export interface GuardWatch {
  /** Rejects with every fault of the guards of production users, as of some seconds ago at most. */
  assertWhole(): Promise<void>;
}

/** Workers look when they start; this is for what happens to the guards afterwards. */
export function createGuardWatch(applicationDb: Executor, mapping: UserMapping): GuardWatch {
  let look: Promise<string[]> | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    async assertWhole() {
      if (look === undefined || performance.now() - lookedAt > keptMs) {
        lookedAt = performance.now();
        look = findGuardFaults(applicationDb, mapping);
        look.catch(() => {
          look = undefined; // a database that was away is asked again at once
        });
      }
      const faults = await look;
      if (faults.length > 0) throw new AppError('conflict', faults.join('; '), { details: faults });
    },
  };
}

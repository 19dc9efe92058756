import { AppError } from '../../../../../shared/kernel/errors.ts';
import { backoffMs, sleep } from '../../../../../shared/kernel/time.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import {
  cycleIdsIn,
  type PackedAlerts,
} from '../../../../../shared/store/deadline-notifications/notification-alerts.ts';
import {
  type Checkpoint,
  type CycleSelection,
  checkpoint,
  type DeliveryClaim,
  type DeliveryResult,
} from '../../../../../shared/store/deadline-notifications/notification-ledger.ts';
import type {
  OfficeFailure,
  PageLease,
  PageTotals,
} from '../../../../../shared/store/deadline-notifications/notification-pages.ts';
import type { Message, OfficeMessages, OfficePlan } from '../plan/plan-office.ts';

/**
 * Between the sending and the ledger. Nothing goes out before it is written down; what came of it is written together
 * with the next claims, so that a page costs a few statements. What is claimed and not yet settled is what a crash
 * leaves unknown: hence batches of some seconds' worth, small before the server's speed is known.
 */
export interface Outbox {
  /** How many messages to claim next. */
  batchSize(): number;
  /** Writes these down; gives those that may go out now. */
  claim(plans: readonly OfficePlan[]): Promise<OfficeMessages[]>;
  /** The same for messages that were refused for now. */
  resume(offices: readonly OfficeMessages[]): Promise<OfficeMessages[]>;
  record(result: DeliveryResult): void;
  /** Takes push subscriptions away that are gone for good. */
  prune(subscriptions: readonly string[]): void;
  /** Writes what was recorded, also when the store was away for a moment. */
  flush(): Promise<void>;
  /** The same, and ends the page with it. */
  finish(totals: PageTotals, failures: readonly OfficeFailure[]): Promise<void>;
}

const firstBatch = 250;
const smallestBatch = 50;
const secondsAhead = 15;
const flushTries = 5;

/** @param messages at most, of the page: where the server is fast, it is claimed by three statements of like size */
export function createOutbox(
  db: Executor,
  lease: PageLease,
  { dryRun, messages }: { dryRun: boolean; messages: number },
): Outbox {
  const first = dryRun ? Math.max(firstBatch, Math.ceil(messages / 3)) : firstBatch;
  const largest = Math.max(firstBatch, Math.ceil((messages - first) / 2));
  let results: DeliveryResult[] = [];
  let gone: string[] = [];
  /** Messages settled since the last claim: how fast the server is now, not how fast it was while connections were opened. */
  let settled = 0;
  let claimedAt: number | undefined;

  async function write(work: Partial<Checkpoint>): Promise<Set<string>> {
    const taken = { results, goneSubscriptions: gone };
    [results, gone] = [[], []];
    try {
      const allowed = await checkpoint(db, lease, {
        claims: [],
        selections: [],
        resumed: [],
        ...taken,
        ...work,
      });
      if (allowed === undefined) throw new AppError('lease_lost');
      return allowed;
    } catch (error) {
      if (!(error instanceof AppError)) {
        results.unshift(...taken.results);
        gone.unshift(...taken.goneSubscriptions);
      }
      throw error;
    }
  }

  async function writeAtLast(work: Partial<Checkpoint>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await write(work);
        return;
      } catch (error) {
        if (error instanceof AppError || attempt === flushTries) throw error;
        await sleep(backoffMs(attempt, 200, 2000));
      }
    }
  }

  function restart(): void {
    settled = 0;
    claimedAt = performance.now();
  }

  return {
    batchSize() {
      if (claimedAt === undefined || settled === 0) return first;
      const perSecond = (settled * 1000) / (performance.now() - claimedAt);
      return Math.round(Math.min(largest, Math.max(smallestBatch, perSecond * secondsAhead)));
    },
    async claim(plans) {
      if (plans.every(isEmpty)) return [];
      const allowed = await write(claimsOf(plans, dryRun));
      restart();
      return only(plans, allowed);
    },
    async resume(offices) {
      const messages = offices.flatMap(office => office.messages);
      const idsOf = (isTold: boolean) => messages.filter(m => (m.isTold ?? false) === isTold).map(m => m.id);
      const allowed = await write({ resumed: idsOf(false) });
      restart();
      return only(offices, new Set([...allowed, ...idsOf(true)]));
    },
    record(result) {
      results.push(result);
      settled += 1;
    },
    prune(subscriptions) {
      gone.push(...subscriptions);
    },
    async flush() {
      if (results.length + gone.length > 0) await writeAtLast({});
    },
    finish: (totals, failures) => writeAtLast({ finish: { totals, failures } }),
  };
}

function claimsOf(plans: readonly OfficePlan[], dryRun: boolean): Pick<Checkpoint, 'claims' | 'selections'> {
  const indexes = new Map<PackedAlerts, number>();
  const selections: CycleSelection[] = [];
  const selectionOf = (officeId: string, alerts: PackedAlerts): number => {
    const index = indexes.get(alerts) ?? selections.push({ officeId, cycleIds: cycleIdsIn(alerts) }) - 1;
    indexes.set(alerts, index);
    return index;
  };
  const claimOf =
    (officeId: string, status: DeliveryClaim['status']) =>
    ({ id, staff, channel, alerts }: Message): DeliveryClaim => {
      return { id, staffId: staff.id, channel, selection: selectionOf(officeId, alerts), status };
    };
  const claims = plans.flatMap(({ officeId, messages, withoutSubscription }) => [
    ...messages.map(claimOf(officeId, dryRun ? 'planned' : 'sending')),
    ...withoutSubscription.map(claimOf(officeId, 'skipped')),
  ]);
  return { claims, selections };
}

const isEmpty = ({ messages, withoutSubscription }: OfficePlan): boolean =>
  messages.length + withoutSubscription.length === 0;

const only = (offices: readonly OfficeMessages[], allowed: ReadonlySet<string>): OfficeMessages[] =>
  offices
    .map(office => ({ ...office, messages: office.messages.filter(({ id }) => allowed.has(id)) }))
    .filter(({ messages }) => messages.length > 0);

import type {
  Addressee,
  OfficeFailure,
  PageTotals,
} from '../../../../../shared/store/deadline-notifications/notification-pages.ts';
import { type OfficePlan, planOffice } from './plan-office.ts';
import { attempt, type Office, type Page } from './read-page.ts';

/** What a page has come to, in offices and messages. */
type PageCounts = Omit<PageTotals, 'read_queries' | 'total_queries' | 'peak_rss_growth_mb'>;

/** Plans the offices of a page one after the other, as they are needed. */
export interface PagePlanner {
  /** The next offices, until they have so many messages; undefined when there are no more. */
  next(messages: number): OfficePlan[] | undefined;
  /** Offices planned until now. */
  done(): number;
  counts(): PageCounts;
  /** The offices that could not be read or planned, each with the reason. */
  readonly failures: readonly OfficeFailure[];
}

/** @param told whom workers that had this page before told: nobody that this run has left out */
export function createPagePlanner(page: Page, asOf: string, told: readonly Addressee[]): PagePlanner {
  const waiting = [...page.offices];
  const failures = [...page.failures];
  const toldHere = new Set(told.map(keyOf));
  const counts = { alerts: 0, skipped_already_sent: 0 };

  function plan(office: Office): OfficePlan | undefined {
    const planned = attempt(office.id, failures, () => planOffice(office, page, asOf));
    page.alerts.delete(office.id);
    if (planned === undefined) return undefined;
    counts.alerts += planned.alerts;
    counts.skipped_already_sent += planned.alreadySent.filter(to => !toldHere.has(keyOf(to))).length;
    return planned;
  }

  return {
    failures,
    next(messages) {
      if (waiting.length === 0) return undefined;
      const plans: OfficePlan[] = [];
      let size = 0;
      while (size < messages) {
        const office = waiting.shift();
        if (office === undefined) break;
        const planned = plan(office);
        if (planned === undefined) continue;
        plans.push(planned);
        size += planned.messages.length + planned.withoutSubscription.length;
      }
      return plans;
    },
    done: () => page.offices.length - waiting.length,
    counts: () => ({
      offices: page.officeCount,
      offices_failed: failures.length,
      offices_without_staff: page.offices.filter(({ staff }) => staff.length === 0).length,
      ...counts,
    }),
  };
}

const keyOf = ({ officeId, staffId, channel }: Addressee): string => `${officeId}/${staffId}/${channel}`;

/** No page has more messages than its staff have channels that are on. */
export const mostMessages = ({ offices }: Page): number =>
  offices
    .flatMap(({ staff }) => staff)
    .reduce((sum, { thresholds }) => sum + Object.keys(thresholds).length, 0);

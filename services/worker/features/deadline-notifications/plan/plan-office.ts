import { type Channel, channels } from '../../../../../shared/contracts/deadline-notifications.ts';
import {
  addDays,
  type Locale,
  localeOf,
} from '../../../../../shared/contracts/notification-messages/message.ts';
import { newId } from '../../../../../shared/kernel/ids.ts';
import {
  countAlerts,
  countUntil,
  type PackedAlerts,
  selectAlerts,
} from '../../../../../shared/store/deadline-notifications/notification-alerts.ts';
import type { Addressee } from '../../../../../shared/store/deadline-notifications/notification-pages.ts';
import type { PushSubscription } from '../../../../../shared/store/deadline-notifications/notification-reading.ts';
import type { Office, Page, StaffMember } from './read-page.ts';

/** One message to one staff member. Those who are told of the same deadlines share one list of them. */
export interface Message {
  id: string;
  staff: StaffMember;
  channel: Channel;
  alerts: PackedAlerts;
  /** Where a push goes, less what took it already. */
  subscriptions: readonly PushSubscription[];
  attempts: number;
  /** One browser has taken it, or may have: what is left goes to the others, and the ledger's word stands. */
  isTold?: boolean;
}

/** What goes out for one office. */
export interface OfficeMessages {
  officeId: string;
  officeName: string;
  locale: Locale;
  messages: Message[];
}

export interface OfficePlan extends OfficeMessages {
  /** Pushes of staff who have no subscription. */
  withoutSubscription: Message[];
  /** Deadlines that are near enough for somebody. */
  alerts: number;
  /** Those whose message would have nothing new in it. */
  alreadySent: Addressee[];
}

/**
 * Who of an office is told of what: each staff member, over each channel that is on, of all deadlines within the own
 * threshold, those that have passed too, less those that the ledger has. Pure, so that a dry run plans what a real one
 * sends.
 */
export function planOffice(office: Office, page: Page, asOf: string): OfficePlan {
  const alerts = page.alerts.get(office.id) ?? none;
  const select = createSelector(alerts, asOf, readTold(office, page));
  const plan: OfficePlan = {
    officeId: office.id,
    officeName: office.name,
    locale: localeOf(office.locale),
    messages: [],
    withoutSubscription: [],
    alerts: countAlerts(alerts),
    alreadySent: [],
  };
  for (const staff of office.staff) {
    for (const channel of channels) addMessage(plan, staff, channel, select(staff, channel), page);
  }
  return plan;
}

interface Selected {
  /** Deadlines within the threshold. */
  due: number;
  /** The alerts that the staff have not been told of. */
  alerts: PackedAlerts;
}

function addMessage(
  plan: OfficePlan,
  staff: StaffMember,
  channel: Channel,
  { due, alerts }: Selected,
  page: Page,
): void {
  if (due === 0) return;
  if (countAlerts(alerts) === 0) {
    plan.alreadySent.push({ officeId: plan.officeId, staffId: staff.id, channel });
    return;
  }
  const subscriptions = channel === 'push' ? (page.subscriptions.get(staff.id) ?? []) : [];
  const message = { id: newId(), staff, channel, alerts, subscriptions, attempts: 0 };
  if (channel === 'push' && subscriptions.length === 0) plan.withoutSubscription.push(message);
  else plan.messages.push(message);
}

interface Told {
  channel: Channel;
  staffIds: ReadonlySet<string>;
  cycleIds: ReadonlySet<string>;
}

const readTold = ({ id }: Office, page: Page): Told[] =>
  (page.told.get(id) ?? []).map(({ channel, staffIds, cycleIds }) => ({
    channel,
    staffIds: new Set(staffIds),
    cycleIds: new Set(cycleIds.slice(1, -1).split(',')),
  }));

const none: PackedAlerts = { cycles: '', names: '' };

/** Equal selections are made once: messages that tell of the same share the object. */
function createSelector(alerts: PackedAlerts, asOf: string, told: readonly Told[]) {
  const selections = new Map<string, PackedAlerts>();
  const counts = new Map<number, number>();
  const dueWithin = (threshold: number): number => {
    const due = counts.get(threshold) ?? countUntil(alerts, addDays(asOf, threshold));
    counts.set(threshold, due);
    return due;
  };
  return (staff: StaffMember, channel: Channel): Selected => {
    const threshold = staff.thresholds[channel];
    if (threshold === undefined) return { due: 0, alerts: none };
    const due = dueWithin(threshold);
    const group = told.findIndex(entry => entry.channel === channel && entry.staffIds.has(staff.id));
    const key = `${due}/${group}`;
    const selected = selections.get(key) ?? selectAlerts(alerts, due, told[group]?.cycleIds);
    selections.set(key, selected);
    return { due, alerts: selected };
  };
}

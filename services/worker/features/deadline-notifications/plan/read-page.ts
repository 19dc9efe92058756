import { z } from 'zod';
import type { Channel } from '../../../../../shared/contracts/deadline-notifications.ts';
import { addDays } from '../../../../../shared/contracts/notification-messages/message.ts';
import { messageOf } from '../../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import type { PackedAlerts } from '../../../../../shared/store/deadline-notifications/notification-alerts.ts';
import type { OfficeFailure } from '../../../../../shared/store/deadline-notifications/notification-pages.ts';
import {
  type OfficeRow,
  type PushSubscription,
  readAlerts,
  readLedger,
  readOffices,
  readSubscriptions,
  type ToldGroup,
} from '../../../../../shared/store/deadline-notifications/notification-reading.ts';

export interface StaffMember {
  id: string;
  email: string;
  name: string;
  /** From how many days before a deadline on each channel tells; a channel that is off is absent. */
  thresholds: Partial<Record<Channel, number>>;
}

export interface Office {
  id: string;
  name: string;
  locale: string;
  staff: StaffMember[];
}

/** A page of offices with all that its messages are made of. Lists of deadlines stay packed until they are sent. */
export interface Page {
  offices: Office[];
  officeCount: number;
  /** The offices that could not be read, each with the reason. */
  failures: OfficeFailure[];
  /** Where the next page begins; undefined when this one is the last. */
  nextAfter: string | undefined;
  alerts: Map<string, PackedAlerts>;
  subscriptions: Map<string, PushSubscription[]>;
  told: Map<string, ToldGroup[]>;
}

export interface PageQuery {
  afterId: string | null;
  officeIds: string[] | null;
  limit: number;
  asOf: string;
  channels: readonly Channel[];
}

/** Reads a page with at most four statements, whatever its size. */
export async function readPage(db: Executor, query: PageQuery): Promise<Page> {
  const found = await readStaffed(db, query);
  const { offices } = found;
  const horizons = new Map(offices.flatMap(office => horizonOf(office, query.asOf)));
  const pushed = offices.flatMap(({ staff }) =>
    staff.filter(({ thresholds }) => thresholds.push !== undefined).map(({ id }) => id),
  );
  const [alerts, subscriptions, told] = await Promise.all([
    horizons.size === 0 ? new Map<string, PackedAlerts>() : readAlerts(db, horizons),
    pushed.length === 0 ? new Map<string, PushSubscription[]>() : readSubscriptions(db, pushed),
    horizons.size === 0 ? [] : readLedger(db, [...horizons.keys()]),
  ]);
  return { ...found, alerts, subscriptions, told: Map.groupBy(told, group => group.officeId) };
}

type StaffedOffices = Pick<Page, 'offices' | 'officeCount' | 'failures' | 'nextAfter'>;

/** A step of its own, so that the staff as text are gone from memory when the deadlines come. */
async function readStaffed(db: Executor, query: PageQuery): Promise<StaffedOffices> {
  const found = await readOffices(db, { ...query, limit: query.limit + 1 });
  const rows = found.slice(0, query.limit); // the one too many only says that there is a next page
  const failures: OfficeFailure[] = [];
  const offices = rows.flatMap(row => {
    const office = attempt(row.id, failures, () => toOffice(row, query.channels));
    return office === undefined ? [] : [office];
  });
  const nextAfter = found.length > rows.length ? rows.at(-1)?.id : undefined;
  return { offices, officeCount: rows.length, failures, nextAfter };
}

/** Does something for one office; what it throws is that office's failure and nobody else's. */
export function attempt<T>(officeId: string, failures: OfficeFailure[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const detail =
      error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : messageOf(error);
    const code = error instanceof z.ZodError ? 'invalid_data' : 'template_error';
    failures.push({ office_id: officeId, code, detail: detail.slice(0, 500) });
    return undefined;
  }
}

const days = z.int().min(0).max(366);

/** The application's own defaults, for a staff member whose preferences lack a field. */
const preferencesSchema = z.object({
  email_notification: z.boolean().default(true),
  system_notification: z.boolean().default(false),
  email_threshold_days: days.default(30),
  push_threshold_days: days.default(10),
});
const staffSchema = z.array(z.tuple([z.string(), z.string(), z.string(), preferencesSchema]));

function toOffice({ id, name, locale, staff }: OfficeRow, channels: readonly Channel[]): Office {
  const members = staff === null ? [] : staffSchema.parse(JSON.parse(staff));
  return {
    id,
    name,
    locale,
    staff: members.map(([staffId, email, staffName, preferences]) => ({
      id: staffId,
      email,
      name: staffName,
      thresholds: {
        ...(channels.includes('email') &&
          preferences.email_notification && { email: preferences.email_threshold_days }),
        ...(channels.includes('push') &&
          preferences.system_notification && { push: preferences.push_threshold_days }),
      },
    })),
  };
}

/** The last deadline that anybody of the office wants to hear of. */
function horizonOf({ id, staff }: Office, asOf: string): [string, string][] {
  const thresholds = staff.flatMap(member => Object.values(member.thresholds));
  return thresholds.length === 0 ? [] : [[id, addDays(asOf, Math.max(...thresholds))]];
}

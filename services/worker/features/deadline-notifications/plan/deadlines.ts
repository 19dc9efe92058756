import { type AlertList, listAlerts } from '../../../../../shared/contracts/notification-messages/email.ts';
import type { Alert } from '../../../../../shared/contracts/notification-messages/message.ts';
import {
  type PackedAlerts,
  unpackAlerts,
} from '../../../../../shared/store/deadline-notifications/notification-alerts.ts';
import type { OfficeMessages } from './plan-office.ts';

/** What a message tells of, unpacked while its office is being sent. */
export interface Deadlines {
  alerts: readonly Alert[];
  /** The deadlines as the list of an e-mail. @throws RangeError when a deadline is not a date */
  list(): AlertList;
}

/** Unpacks and lists once what several messages of an office tell of. */
export function createUnpacker(office: OfficeMessages, asOf: string): (packed: PackedAlerts) => Deadlines {
  const unpacked = new Map<PackedAlerts, Deadlines>();
  return packed => {
    const deadlines = unpacked.get(packed) ?? deadlinesOf(unpackAlerts(packed), office, asOf);
    unpacked.set(packed, deadlines);
    return deadlines;
  };
}

function deadlinesOf(alerts: readonly Alert[], office: OfficeMessages, asOf: string): Deadlines {
  let list: AlertList | undefined;
  return {
    alerts,
    list() {
      list ??= listAlerts({ ...office, asOf, alerts });
      return list;
    },
  };
}

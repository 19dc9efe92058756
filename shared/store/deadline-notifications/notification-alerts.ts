import { sql } from 'drizzle-orm';
import type { Alert } from '../../contracts/notification-messages/message.ts';

/**
 * Deadlines as two texts, the earliest first. Fifty thousand of them are read at once, so they are packed, and stay so
 * until the turn of their office: ids and dates have one width and need no separators; names stand apart, because one
 * Japanese character makes a whole text two bytes wide.
 */
export interface PackedAlerts {
  /** Cycle id (36 characters) and deadline (10), again and again. */
  cycles: string;
  /** The recipients' names in the same order, with line feeds between them. */
  names: string;
}

const idWidth = 36;
const width = idWidth + 10;

/** In place of what is no date of four digits of year: of another width, it would shift the dates after it to other names. */
const endless = '-infinity ';
const packedDeadline = sql`
  case when c.next_renewal_deadline between '0001-01-01' and '9999-12-31'
    then to_char(c.next_renewal_deadline, 'YYYY-MM-DD') else ${endless} end`;
const byDeadline = sql`order by c.next_renewal_deadline, c.id`;

/** The two texts of cycles `c` and their recipients `r`, as columns of a statement. */
export const packedColumns = sql`
  string_agg(c.id::text || ${packedDeadline}, '' ${byDeadline}) as cycles,
  string_agg(translate(r.last_name || ' ' || r.first_name, e'\\n', ' '), e'\\n' ${byDeadline}) as names`;

export const countAlerts = ({ cycles }: PackedAlerts): number => cycles.length / width;

const cycleIdAt = ({ cycles }: PackedAlerts, index: number): string =>
  cycles.slice(index * width, index * width + idWidth);

const deadlineAt = ({ cycles }: PackedAlerts, index: number): string =>
  cycles.slice(index * width + idWidth, (index + 1) * width);

/** The cycles' ids with commas between them: a long text, and no object for each of them. */
export const cycleIdsIn = ({ cycles }: PackedAlerts): string =>
  cycles.replaceAll(/(.{36}).{10}/g, '$1,').slice(0, -1);

export const unpackAlerts = (packed: PackedAlerts): Alert[] =>
  packed.names.split('\n').map((recipientName, index) => ({
    cycleId: cycleIdAt(packed, index),
    recipientName,
    deadline: deadlineAt(packed, index),
  }));

/** How many of them are due by a day, `YYYY-MM-DD`; these are the first ones. */
export function countUntil(packed: PackedAlerts, lastDay: string): number {
  let count = countAlerts(packed);
  while (count > 0 && deadlineAt(packed, count - 1) > lastDay) count -= 1;
  return count;
}

/** The first `count` of them, less those of some cycles; the same object when these are all. */
export function selectAlerts(
  packed: PackedAlerts,
  count: number,
  without: ReadonlySet<string> = new Set(),
): PackedAlerts {
  const all = countAlerts(packed);
  if (count === all && without.size === 0) return packed;
  const names = packed.names.split('\n');
  const indexes = [...names.keys()].filter(index => index < count && !without.has(cycleIdAt(packed, index)));
  if (indexes.length === all) return packed;
  return {
    cycles: indexes.map(index => packed.cycles.slice(index * width, (index + 1) * width)).join(''),
    names: indexes.map(index => names[index]).join('\n'),
  };
}

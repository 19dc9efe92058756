/**
 * The dates of cookies, read as browsers read them (RFC 6265, 5.1.1): a time, a day, a month and a year in any order, between
 * whatever else there is. `Date.parse` is no match: it takes the `0` and the `-1` that many targets send for years, and
 * browsers see no date in them.
 */
const delimiters = /[\t -/;-@[-`{-~]+/;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const forms = {
  time: /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)/,
  day: /^(\d{1,2})(?!\d)/,
  month: new RegExp(`^(${months.join('|')})`, 'i'),
  year: /^(\d{2,4})(?!\d)/,
};

/** Milliseconds since the epoch; undefined where it is no such date. */
export function parseCookieDate(text: string): number | undefined {
  const found = partsOf(text);
  const [, hour, minute, second] = found.time?.map(Number) ?? [];
  const month = months.indexOf(found.month?.[1]?.toLowerCase() ?? '');
  const day = Number(found.day?.[1]);
  const year = fullYearOf(Number(found.year?.[1]));
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || month < 0 || !(year >= 1601)) return undefined;
  const date = new Date(Date.UTC(year, month, day, hour, minute, second));
  return date.getUTCDate() === day ? date.getTime() : undefined; // there is no 30 February
}

/** Each token is the first part that it can be and that is still wanted. */
function partsOf(text: string): Partial<Record<keyof typeof forms, RegExpExecArray>> {
  const found: Partial<Record<keyof typeof forms, RegExpExecArray>> = {};
  for (const token of text.split(delimiters)) {
    for (const part of ['time', 'day', 'month', 'year'] as const) {
      const match = found[part] === undefined ? forms[part].exec(token) : null;
      if (match === null) continue;
      found[part] = match;
      break;
    }
  }
  return found;
}

function fullYearOf(year: number): number {
  if (year >= 70 && year <= 99) return year + 1900;
  return year <= 69 ? year + 2000 : year;
}

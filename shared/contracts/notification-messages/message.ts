/** What a message to a staff member of an office is made of. Pure: workers send it, the API previews it. */

const locales = ['ja', 'en'] as const;
export type Locale = (typeof locales)[number];

/** A deadline that is near, or has passed. */
export interface Alert {
  cycleId: string;
  /** The person whose plan it is. */
  recipientName: string;
  /** `YYYY-MM-DD` */
  deadline: string;
}

export interface MessageContent {
  locale: Locale;
  officeName: string;
  staffName: string;
  /** The day from which days are counted, `YYYY-MM-DD`. */
  asOf: string;
  /** In the order in which they are listed. */
  alerts: readonly Alert[];
}

/** The language of an office: that of its locale (`ja`, `ja-JP`), English for any that has no templates. */
export function localeOf(text: string): Locale {
  const language = text.toLowerCase().split(/[-_]/)[0];
  return locales.find(locale => locale === language) ?? 'en';
}

const dayMs = 86_400_000;

/** Whole days from one `YYYY-MM-DD` to another; negative when the second is earlier. @throws RangeError */
export function daysBetween(from: string, to: string): number {
  const days = Math.round((Date.parse(to) - Date.parse(from)) / dayMs);
  if (Number.isNaN(days)) throw new RangeError(`${to.trim()} is not a day`);
  return days;
}

export const addDays = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10);

/** The text on one line: line breaks and other control characters, which headers must not have, become spaces. */
export const oneLine = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();

/** The day that it is somewhere at a moment, `YYYY-MM-DD`. @param timeZone of the IANA database */
export const dayIn = (timeZone: string, at: Date): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at);

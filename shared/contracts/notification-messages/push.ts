import { daysBetween, type MessageContent, oneLine } from './message.ts';
import { texts } from './texts.ts';

/** What a service worker of the application is given to show. */
export interface PushText {
  title: string;
  body: string;
  lang: string;
}

/** How many names a notification shows: browsers cut after some lines. */
const namesShown = 3;

/** One push message, in the office's language: far below the 4,096 bytes that push services take (RFC 8030, 7.2). */
export function renderPush({ locale, officeName, asOf, alerts }: MessageContent): PushText {
  const words = texts[locale];
  const lines = alerts
    .slice(0, namesShown)
    .map(
      ({ recipientName, deadline }) =>
        `${oneLine(recipientName)}: ${words.day(deadline)} (${words.left(daysBetween(asOf, deadline))})`,
    );
  const more = alerts.length > namesShown ? ['…'] : [];
  return {
    title: words.subject(oneLine(officeName), alerts.length),
    body: [...lines, ...more].join('\n'),
    lang: locale,
  };
}

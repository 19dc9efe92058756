import { escapeHtml } from '../../kernel/html.ts';
import { daysBetween, type Locale, type MessageContent, oneLine } from './message.ts';
import { texts } from './texts.ts';

/**
 * An e-mail in three parts that follow each other: what is the staff member's own, the list, and the end. The list is
 * by far the longest and the same for an office's staff: a sender encodes it once. Each part may be followed by spaces.
 */
export interface EmailText {
  subject: string;
  text: Parts;
  html: Parts;
}

interface Parts {
  head: string;
  list: string;
  tail: string;
}

export const joinParts = ({ head, list, tail }: Parts): string => head + list + tail;

/** The list of deadlines in both forms. The staff of an office share it: it is made once for all of them. */
export interface AlertList {
  text: string;
  html: string;
  overdue: number;
}

const cell = 'padding:8px 12px;border-bottom:1px solid #e5e7eb;text-align:left';

export function listAlerts({ locale, asOf, alerts }: Omit<MessageContent, 'staffName'>): AlertList {
  const words = texts[locale];
  const deadlines = new Map(
    [...new Set(alerts.map(({ deadline }) => deadline))].map(deadline => [
      deadline,
      describeDeadline(deadline, asOf, locale),
    ]),
  );
  const heading = Object.values(words.columns)
    .map(name => `<th style="${cell};color:#6b7280;font-weight:600">${escapeHtml(name)}</th>`)
    .join('');
  const list: AlertList = { text: '', html: `<tr>${heading}</tr>`, overdue: 0 };
  for (const { recipientName, deadline } of alerts) {
    const described = deadlines.get(deadline);
    if (described === undefined) continue;
    const name = oneLine(recipientName);
    list.text += `\n  - ${name}  ${described.text}`;
    list.html += `\n<tr><td style="${cell}">${escapeHtml(name)}</td>${described.html}</tr>`;
    if (described.days < 0) list.overdue += 1;
  }
  return list;
}

/** Many deadlines fall on one day: what a day looks like is made once. */
function describeDeadline(deadline: string, asOf: string, locale: Locale) {
  const words = texts[locale];
  const days = daysBetween(asOf, deadline);
  const [day, left] = [words.day(deadline), words.left(days)];
  const colour = days < 0 ? '#b91c1c' : days <= 7 ? '#b45309' : '#374151';
  return {
    days,
    text: `${day} (${left})`,
    html: `<td style="${cell}">${escapeHtml(day)}</td><td style="${cell};color:${colour};font-weight:600">${escapeHtml(left)}</td>`,
  };
}

/** One e-mail, in the office's language. Everything that comes from the application is escaped. */
export function renderEmail(
  content: MessageContent,
  list: AlertList,
  unsubscribeUrl: string | undefined,
): EmailText {
  const { locale, alerts } = content;
  const words = texts[locale];
  const office = oneLine(content.officeName);
  const greeting = words.greeting(oneLine(content.staffName));
  const intro = [
    words.intro(office, alerts.length),
    ...(list.overdue > 0 ? [words.overdue(list.overdue)] : []),
  ];
  const subject = words.subject(office, alerts.length);
  const farewell = unsubscribeUrl === undefined ? [] : ['--', `${words.unsubscribe}: ${unsubscribeUrl}`];
  return {
    subject,
    text: {
      head: [greeting, '', ...intro, ''].join('\n'),
      list: list.text,
      tail: ['', '', words.closing, '', ...farewell, ''].join('\n'),
    },
    html: {
      head: `${pageHead(locale, subject)}<p>${escapeHtml(greeting)}</p>
<p>${intro.map(escapeHtml).join('<br>')}</p>
<table style="width:100%;border-collapse:collapse;font-size:14px">
`,
      list: list.html,
      tail: `</table>
<p>${escapeHtml(words.closing)}</p>
</div>
<p style="text-align:center;font-size:12px">${linkTo(unsubscribeUrl, words.unsubscribe)}</p>
</body></html>
`,
    },
  };
}

const linkTo = (url: string | undefined, text: string): string =>
  url === undefined ? '' : `<a href="${escapeHtml(url)}" style="color:#6b7280">${escapeHtml(text)}</a>`;

const pageHead = (locale: Locale, subject: string): string =>
  `<!doctype html>
<html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head>
<body style="margin:0;background:#f3f4f6;color:#111827;font-family:'Hiragino Sans','Noto Sans JP','Helvetica Neue',Arial,sans-serif;line-height:1.6">
<div style="max-width:600px;margin:24px auto;padding:24px;background:#ffffff;border-radius:8px">
<h1 style="margin:0 0 16px;font-size:18px">${escapeHtml(subject)}</h1>
`;

import { type Alert, daysBetween, type MessageContent, oneLine } from './message.ts';
import { texts } from './texts.ts';

export interface EmailText {
  subject: string;
  text: string;
  html: string;
}

/** The list of deadlines in both forms. The staff of an office share it: it is made once for all of them. */
export interface AlertList {
  text: string;
  html: string;
  overdue: number;
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe as text and as an attribute's value. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, found => entities[found] ?? '');

const cell = 'padding:8px 12px;border-bottom:1px solid #e5e7eb;text-align:left';

export function listAlerts({ locale, asOf, alerts }: Omit<MessageContent, 'staffName'>): AlertList {
  const words = texts[locale];
  const rows = alerts.map(alert => describeAlert(alert, asOf, locale));
  return {
    overdue: rows.filter(({ days }) => days < 0).length,
    text: rows.map(({ name, day, left }) => `  - ${name}  ${day} (${left})`).join('\n'),
    html: [
      `<tr>${Object.values(words.columns)
        .map(name => `<th style="${cell};color:#6b7280;font-weight:600">${escapeHtml(name)}</th>`)
        .join('')}</tr>`,
      ...rows.map(({ name, day, left, days }) => {
        const colour = days < 0 ? '#b91c1c' : days <= 7 ? '#b45309' : '#374151';
        return `<tr><td style="${cell}">${escapeHtml(name)}</td><td style="${cell}">${escapeHtml(day)}</td><td style="${cell};color:${colour};font-weight:600">${escapeHtml(left)}</td></tr>`;
      }),
    ].join('\n'),
  };
}

function describeAlert({ recipientName, deadline }: Alert, asOf: string, locale: MessageContent['locale']) {
  const words = texts[locale];
  const days = daysBetween(asOf, deadline);
  return { name: oneLine(recipientName), day: words.day(deadline), left: words.left(days), days };
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
    text: [greeting, '', ...intro, '', list.text, '', words.closing, '', ...farewell, ''].join('\n'),
    html: page({
      locale,
      subject,
      body: `<p>${escapeHtml(greeting)}</p>
<p>${intro.map(escapeHtml).join('<br>')}</p>
<table style="width:100%;border-collapse:collapse;font-size:14px">
${list.html}
</table>
<p>${escapeHtml(words.closing)}</p>`,
      footer:
        unsubscribeUrl === undefined
          ? ''
          : `<a href="${escapeHtml(unsubscribeUrl)}" style="color:#6b7280">${escapeHtml(words.unsubscribe)}</a>`,
    }),
  };
}

const page = ({ locale, subject, body, footer }: Record<'locale' | 'subject' | 'body' | 'footer', string>) =>
  `<!doctype html>
<html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head>
<body style="margin:0;background:#f3f4f6;color:#111827;font-family:'Hiragino Sans','Noto Sans JP','Helvetica Neue',Arial,sans-serif;line-height:1.6">
<div style="max-width:600px;margin:24px auto;padding:24px;background:#ffffff;border-radius:8px">
<h1 style="margin:0 0 16px;font-size:18px">${escapeHtml(subject)}</h1>
${body}
</div>
<p style="text-align:center;font-size:12px">${footer}</p>
</body></html>
`;

import type { Locale } from './message.ts';

/** The words of the messages. A new language is an entry here and in `locales`. */
interface Texts {
  subject(officeName: string, count: number): string;
  greeting(staffName: string): string;
  intro(officeName: string, count: number): string;
  columns: { recipient: string; deadline: string; left: string };
  day(date: string): string;
  left(days: number): string;
  overdue(count: number): string;
  closing: string;
  unsubscribe: string;
}

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

const ja: Texts = {
  subject: (office, count) => `【期限のお知らせ】${office}: 個別支援計画の更新 ${count}件`,
  greeting: staff => `${staff} 様`,
  intro: (office, count) => `${office} で個別支援計画の更新期限が近づいている利用者が ${count} 名います。`,
  columns: { recipient: '利用者', deadline: '更新期限', left: '残り' },
  day: date => date.replace(/^(\d+)-0?(\d+)-0?(\d+)$/, '$1年$2月$3日'),
  left: days => (days < 0 ? `${-days}日超過` : days === 0 ? '本日' : `あと${days}日`),
  overdue: count => `このうち ${count} 名は期限を過ぎています。`,
  closing: '期限までに計画の更新をお願いいたします。',
  unsubscribe: 'このお知らせの配信を停止する',
};

const month = new Intl.DateTimeFormat('en', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});

const en: Texts = {
  subject: (office, count) => `${office}: ${plural(count, 'support plan', 'support plans')} due for renewal`,
  greeting: staff => `Dear ${staff},`,
  intro: (office, count) =>
    `${plural(count, 'person', 'people')} at ${office} ${count === 1 ? 'has' : 'have'} a support plan that is due for renewal.`,
  columns: { recipient: 'Name', deadline: 'Deadline', left: 'Time left' },
  day: date => month.format(new Date(date)),
  left: days =>
    days < 0 ? `${plural(-days, 'day', 'days')} overdue` : days === 0 ? 'today' : plural(days, 'day', 'days'),
  overdue: count => `${plural(count, 'deadline has', 'deadlines have')} passed.`,
  closing: 'Please renew the plans before their deadlines.',
  unsubscribe: 'Stop these messages',
};

export const texts: Readonly<Record<Locale, Texts>> = { ja, en };

import { joinParts, listAlerts, renderEmail } from './email.ts';
import { addDays, dayIn, daysBetween, localeOf, type MessageContent } from './message.ts';
import { renderPush } from './push.ts';

const content = (changed: Partial<MessageContent> = {}): MessageContent => ({
  locale: 'ja',
  officeName: 'あおぞら',
  staffName: '山田 太郎',
  asOf: '2026-04-01',
  alerts: [
    { cycleId: 'a', recipientName: '佐藤 花子', deadline: '2026-03-29' },
    { cycleId: 'b', recipientName: '鈴木 一郎', deadline: '2026-04-01' },
    { cycleId: 'c', recipientName: '高橋 美咲', deadline: '2026-04-11' },
  ],
  ...changed,
});

const render = (given: MessageContent, url?: string) => renderEmail(given, listAlerts(given), url);

describe('a message', () => {
  it('counts the days in the language of the office', () => {
    const ja = joinParts(render(content()).text);
    expect(ja).toContain('佐藤 花子  2026年3月29日 (3日超過)');
    expect(ja).toContain('鈴木 一郎  2026年4月1日 (本日)');
    expect(ja).toContain('高橋 美咲  2026年4月11日 (あと10日)');
    const en = joinParts(render(content({ locale: 'en' })).text);
    expect(en).toContain('3 people at あおぞら have a support plan that is due for renewal.');
    expect(en).toContain('佐藤 花子  March 29, 2026 (3 days overdue)');
  });

  it('escapes whatever comes from the application, and keeps it on its line', () => {
    const alerts = [{ cycleId: 'a', recipientName: '<script>\n"&', deadline: '2026-04-02' }];
    const { subject, html } = render(
      content({ officeName: 'A\r\nBcc: x@y.test', alerts }),
      'https://x.test/?a="',
    );
    expect(subject).not.toMatch(/[\r\n]/);
    expect(joinParts(html)).toContain('&lt;script&gt; &quot;&amp;');
    expect(joinParts(html)).toContain('href="https://x.test/?a=&quot;"');
    expect(joinParts(html)).not.toContain('<script>');
  });

  it('as a push shows three names and says that there are more', () => {
    const alerts = [...content().alerts, { cycleId: 'd', recipientName: '伊藤 健', deadline: '2026-04-12' }];
    const { title, body } = renderPush(content({ alerts }));
    expect(title).toContain('4件');
    expect(body.split('\n')).toHaveLength(4);
    expect(body).toMatch(/…$/);
  });
});

describe('days', () => {
  it('are counted from calendar day to calendar day', () => {
    expect(daysBetween('2026-02-27', '2026-03-01')).toBe(2);
    expect(daysBetween('2026-03-01', '2026-02-27')).toBe(-2);
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
  });

  it('begin when they do in the time zone', () => {
    const evening = new Date('2026-03-31T16:00:00Z');
    expect([dayIn('Asia/Tokyo', evening), dayIn('Europe/Berlin', evening)]).toEqual([
      '2026-04-01',
      '2026-03-31',
    ]);
  });

  it('are told in English where there are no templates for the language', () => {
    expect(['ja', 'ja-JP', 'JA_jp', 'en', 'fr', ''].map(localeOf)).toEqual([
      'ja',
      'ja',
      'ja',
      'en',
      'en',
      'en',
    ]);
  });
});

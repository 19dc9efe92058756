import { parseCookieDate } from './cookie-date.ts';
import { parseSetCookie } from './set-cookie.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const expiryOf = (attributes: string) => parseSetCookie(`sid=1; ${attributes}`, now)?.expiresAt;

describe('the date of a cookie', () => {
  it.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    '1994 nov 6 8:49:37',
    'Sun, 06 November 1994 08:49:37.5 +0200 (whatever is behind it)',
  ])('is read in any order, as %s', text => {
    expect(parseCookieDate(text)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
  });

  it.each([
    '0',
    '-1',
    '',
    'never',
    '1994',
    'Sun, 06 Nov 1994',
    'Sun, 30 Feb 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1500 08:49:37 GMT',
    '1994-11-06T08:49:37Z',
  ])('is none in "%s"', text => {
    expect(parseCookieDate(text)).toBeUndefined();
  });

  it('has years of two digits in 1970 to 2069', () => {
    const yearOf = (year: string) =>
      new Date(parseCookieDate(`1 Jan ${year} 00:00:00`) ?? 0).getUTCFullYear();
    expect(['70', '99', '00', '69'].map(yearOf)).toEqual([1970, 1999, 2000, 2069]);
  });
});

describe('a set-cookie header', () => {
  it('lives as long as the session where it says nothing that is a date', () => {
    expect(['Expires=0', 'Expires=-1', 'Max-Age=soon', 'Path=/'].map(expiryOf)).toEqual([
      Infinity,
      Infinity,
      Infinity,
      Infinity,
    ]);
  });

  it('lives by Max-Age before Expires, by the last of each, and by the one that can be read', () => {
    const in2027 = 'Expires=Fri, 01 Jan 2027 00:00:00 GMT';
    expect(expiryOf(`Max-Age=60; ${in2027}`)).toBe(now + 60_000);
    expect(expiryOf(`${in2027}; Max-Age=60; Max-Age=-1`)).toBe(0);
    expect(expiryOf(`${in2027}; Expires=0`)).toBe(Date.UTC(2027, 0, 1));
    expect(new Date(expiryOf('Max-Age=99999999999999999999') ?? 0).getTime()).toBe(8.64e15);
  });

  it('is ignored where it is too long, nameless or would break a header', () => {
    const ignored = [`a=${'x'.repeat(4096)}`, '=1', 'a', 'a=1\r\nevil: 1', 'a=\x7f'];
    expect(ignored.map(header => parseSetCookie(header, now))).toEqual(ignored.map(() => undefined));
    expect(parseSetCookie(`a=${'x'.repeat(4095)}`, now)?.value).toHaveLength(4095);
  });
});

import { CookieJar } from './cookie-jar.ts';

const at = Date.parse('2026-01-01T00:00:00Z');

function jarWith(...headers: string[]): CookieJar {
  const jar = new CookieJar('shop.example.test');
  for (const header of headers) jar.store(header, '/account/login', at);
  return jar;
}

describe('a cookie jar', () => {
  it('sends back what it was given, the newest value of a name and the longest path first', () => {
    const jar = jarWith(
      'a=1; Path=/',
      'b=2; Path=/account',
      'a=3; Path=/; HttpOnly; Secure',
      'c="x=y"; Path=/',
    );
    expect(jar.headerFor('/account/me?x=1', at)).toBe('b=2; a=3; c="x=y"');
  });

  it('keeps a cookie to its path, and to the folder of the request without one', () => {
    const jar = jarWith('s=1; Path=/shop', 'd=2');
    expect(jar.headerFor('/shop/cart', at)).toBe('s=1');
    expect(jar.headerFor('/shopping', at)).toBeUndefined();
    expect(jar.headerFor('/account/orders', at)).toBe('d=2');
  });

  it('forgets what expires, by Max-Age before Expires, and at once when told to', () => {
    const past = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT';
    const jar = jarWith(
      'short=1; Path=/; Max-Age=60',
      `kept=2; Path=/; ${past}; Max-Age=600`,
      'gone=3; Path=/',
    );
    jar.store(`gone=; Path=/; ${past}`, '/', at);
    expect(jar.headerFor('/', at + 59_000)).toBe('short=1; kept=2');
    expect(jar.headerFor('/', at + 61_000)).toBe('kept=2');
    jar.store('kept=; Path=/; Max-Age=0', '/', at);
    expect(jar.headerFor('/', at + 61_000)).toBeUndefined();
  });

  it('refuses cookies of other sites, nameless ones and ones that would break a header', () => {
    const jar = jarWith('x=1; Domain=other.test', 'y=2; Domain=ple.test', '=3', 'z', 'w=a\r\nevil: 1');
    expect(jar.size).toBe(0);
    jar.store('ok=1; Domain=.example.test; Path=/', '/', at);
    expect(jar.headerFor('/', at)).toBe('ok=1');
  });

  it('changes its version with its content only, and stays bounded', () => {
    const jar = jarWith('a=1; Path=/');
    const { version } = jar;
    jar.store('a=1; Path=/', '/', at);
    expect(jar.version).toBe(version);
    for (let n = 0; n < 500; n++) jar.store(`n${n}=1; Path=/`, '/', at);
    expect(jar.size).toBe(100);
  });
});

import { isPublicAddress } from './public-address.ts';
import { parsePushAllowlist } from './push-allowlist.ts';

const listOf = (...entries: string[]) => parsePushAllowlist(entries).allowlist;

describe('a public address', () => {
  it.each(['8.8.8.8', '172.15.0.1', '172.32.0.1', '2606:4700::1111'])('is %s', address =>
    expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    ...['169.254.169.254', '127.0.0.1', '0.0.0.0', '10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1'],
    ...['100.100.100.200', '224.0.0.1', '255.255.255.255', '192.0.2.1', '198.18.0.1'],
    ...[
      '::',
      '::1',
      'fe80::1',
      'fe80::1%eth0',
      'fc00::1',
      'fd00:ec2::254',
      '2001:db8::1',
      '64:ff9b::a9fe:a9fe',
    ],
    ...['::ffff:169.254.169.254', '::ffff:10.0.0.1', '::7f00:1', '2002:7f00:1::', 'localhost', ''],
  ])('is not %s', address => expect(isPublicAddress(address)).toBe(false));
});

describe('the allow-list of pushes', () => {
  it('takes public addresses over https and nothing over http, unless it says more', () => {
    const { https, http } = listOf();
    expect(https.permits('push.test', '8.8.8.8')).toBe(true);
    expect(https.permits('push.test', '10.0.0.1')).toBe(false);
    expect(http.permits('push.test', '8.8.8.8')).toBe(false);
    const inner = listOf('10.0.0.0/8', 'push.internal');
    expect(inner.https.permits('push.test', '10.0.0.1')).toBe(true);
    expect(inner.http.permits('push.test', '10.0.0.1')).toBe(true);
    expect(inner.https.permits('push.internal', '192.168.0.1')).toBe(true);
    expect(inner.https.permits('push.internal', '169.254.169.254')).toBe(false);
  });

  it('opens of an origin the one port', () => {
    const { byOrigin, http } = listOf('http://127.0.0.1:4000', 'https://push.internal');
    expect([...byOrigin.keys()]).toEqual(['http://127.0.0.1:4000', 'https://push.internal']);
    expect(byOrigin.get('http://127.0.0.1:4000')?.permits('127.0.0.1', '127.0.0.1')).toBe(true);
    expect(http.permits('127.0.0.1', '127.0.0.1')).toBe(false);
  });

  it.each([
    'http://',
    'ftp://a.test',
    'http://a.test/path',
    'http://u:p@a.test',
    'http://*.a.test',
    'a.test:80',
  ])('refuses %s, by its place', entry =>
    expect(parsePushAllowlist(['b.test', entry]).faults).toMatchObject([{ code: 'invalid_entry' }]),
  );
});

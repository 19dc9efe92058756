import { bareHost, parseAllowlist } from './allowlist.ts';

const listOf = (...entries: string[]) => parseAllowlist(entries).allowlist;
/** What a URL parser makes of a host, in whatever form it was written. */
const hostOf = (written: string): string => bareHost(new URL(`http://${written}/`).hostname);

describe('an allow-list', () => {
  it('lists hosts by name, and all below a name, but not the name itself', () => {
    const list = listOf('shop.example.test', '*.staging.test');
    expect(list.allowsHost('SHOP.example.test.')).toBe(true);
    expect(list.allowsHost('a.b.staging.test')).toBe(true);
    for (const host of ['example.test', 'xshop.example.test', 'staging.test', 'xstaging.test']) {
      expect({ host, listed: list.allowsHost(host) }).toEqual({ host, listed: false });
    }
  });

  it.each(['127.0.0.1', '0x7f000001', '2130706433', '127.1', '0177.0.0.1', '127.0.0.1.'])(
    'sees %s as the loopback address',
    written => {
      const host = hostOf(written);
      expect(listOf('127.0.0.0/8').permits(host, host)).toBe(true);
      expect(listOf('10.0.0.0/8').permits(host, host)).toBe(false);
    },
  );

  it('matches IPv6, and IPv4 in IPv6 notation', () => {
    expect(listOf('2001:db8::/32').permits('x.test', '2001:db8::7')).toBe(true);
    expect(listOf('[::1]').allowsAddress(hostOf('[0:0:0:0:0:0:0:1]'))).toBe(true);
    expect(listOf('127.0.0.0/8').allowsAddress('::ffff:127.0.0.1')).toBe(true);
    expect(listOf('10.0.0.0/8').allowsAddress(hostOf('[::ffff:127.0.0.1]'))).toBe(false);
  });

  it('allows a listed name any ordinary address, and no special one', () => {
    const list = listOf('shop.test');
    expect(list.permits('shop.test', '172.18.0.4')).toBe(true);
    expect(list.permits('other.test', '172.18.0.4')).toBe(false);
    const special = [
      '169.254.169.254',
      '::ffff:169.254.169.254',
      '127.0.0.1',
      '0.0.0.0',
      '::',
      '::1',
      'fe80::1%eth0',
    ];
    for (const address of [...special, '224.0.0.1', '255.255.255.255', 'ff02::1', '64:ff9b::a9fe:a9fe']) {
      expect({ address, allowed: list.permits('shop.test', address) }).toEqual({ address, allowed: false });
    }
  });

  it('allows a name below a listed one no private address, unless an entry covers it', () => {
    const privates = ['10.1.2.3', '172.18.0.4', '192.168.1.1', '100.64.0.1', 'fd12::1', '::ffff:10.1.2.3'];
    const permitted = (address: string, ...entries: string[]) =>
      listOf(...entries).permits('a.staging.test', address);
    for (const address of privates) {
      expect({ address, allowed: permitted(address, '*.staging.test') }).toEqual({ address, allowed: false });
      expect(permitted(address, '*.staging.test', 'a.staging.test')).toBe(true);
    }
    expect(permitted('10.1.2.3', '*.staging.test', '10.1.0.0/16')).toBe(true);
    expect(permitted('8.8.8.8', '*.staging.test')).toBe(true);
  });

  it('opens a special address only to an entry that means it', () => {
    expect(listOf('0.0.0.0/0', '::/0').allowsAddress('8.8.8.8')).toBe(true);
    expect(listOf('0.0.0.0/0', '::/0').allowsAddress('169.254.169.254')).toBe(false);
    expect(listOf('169.254.10.0/24').allowsAddress('169.254.10.1')).toBe(true);
    expect(listOf('localhost').permits('localhost', '::1')).toBe(true);
  });

  it('names what it cannot read, and leaves it out', () => {
    const { allowlist, faults } = parseAllowlist([
      'ok.test',
      'http://x',
      '10.0.0.0/33',
      'x.test:80',
      '*',
      '1.2.3',
      '',
    ]);
    expect(faults.map(fault => fault.pointer)).toEqual(['/1', '/2', '/3', '/4', '/5', '/6']);
    expect(faults[2]?.detail).toContain('port');
    expect(allowlist.allowsHost('ok.test')).toBe(true);
  });
});

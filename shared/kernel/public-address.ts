import { BlockList, isIP } from 'node:net';
import { privateRanges, specialRanges } from './allowlist.ts';

/** Ranges of the IANA registries of special-purpose addresses that belong to nobody on the internet. */
const reservedRanges = [
  '192.0.0.0/24',
  '192.0.2.0/24', // documentation, as the next two
  '198.51.100.0/24',
  '203.0.113.0/24',
  '192.88.99.0/24', // 6to4 relays
  '198.18.0.0/15', // benchmarks
  '2001::/23', // Teredo among them: an IPv4 address in disguise
  '2001:db8::/32',
  '2002::/16', // 6to4: any IPv4 address in disguise
  '3fff::/20',
];
const notPublic = listOf([...specialRanges, ...privateRanges, ...reservedRanges]);
/** All of IPv6 that is given out for the internet. */
const globalUnicast = listOf(['2000::/3']);

/** Whether it is an address of the public internet; neither a name nor an IPv4 address in IPv6 notation is. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !notPublic.check(address, 'ipv4');
  return version === 6 && globalUnicast.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    list.addSubnet(address, Number(prefix), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Fault } from './errors.ts';

/**
 * Which targets may be hit. An entry is a host name (`shop.example.test`), every host below a name (`*.example.test`),
 * an address or a CIDR. A connection is allowed when its address is inside a listed address or CIDR, or when the host
 * was listed by name. Special addresses (loopback, link-local with the clouds' metadata services, multicast,
 * unspecified) are different: a name that resolves to one is refused, and so is `0.0.0.0/0`; only an entry within that
 * special range opens it. A name listed in full may be that of a machine of the own network, as the services of Compose
 * are; below `*.` anybody who may add a name could point it there, so private addresses need an entry that covers them. What is decided is decided for the address that is connected to, so the caller asks at
 * connect, with the address in hand; asking before is a courtesy to the user, not the guard.
 */
export interface Allowlist {
  /** Whether the host is listed by its name. */
  allowsHost(host: string): boolean;
  /** Whether the address is inside a listed address or CIDR. */
  allowsAddress(address: string): boolean;
  /** The decision for one connection: `host` as in the URL, `address` as it is connected to. */
  permits(host: string, address: string): boolean;
}

export const specialRanges: readonly string[] = [
  '0.0.0.0/8', // "this host": Linux connects to itself
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local; 169.254.169.254 is the metadata service of AWS, Azure, Google
  '100.100.100.200/32', // the metadata service of Alibaba
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '64:ff9b::/96', // NAT64: any IPv4 address in disguise
  'fe80::/10',
  'fd00:ec2::/32', // the metadata service of AWS
  'ff00::/8',
];
/** RFC 1918, RFC 6598 and RFC 4193. */
export const privateRanges: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
];
const loopback: readonly string[] = ['127.0.0.0/8', '::1/128'];
const hostPattern = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

interface Network {
  address: string;
  prefix: number;
  family: 'ipv4' | 'ipv6';
}

/** Reads the entries; those with faults are left out of the list and named by their index. */
export function parseAllowlist(entries: readonly string[]): { allowlist: Allowlist; faults: Fault[] } {
  const faults: Fault[] = [];
  const names: string[] = [];
  const networks: Network[] = [];
  for (const [index, raw] of entries.entries()) {
    const entry = raw.trim().toLowerCase();
    const network = readNetwork(entry);
    if (network) networks.push(network);
    else if (isHostEntry(entry)) names.push(entry);
    else faults.push(faultOf(index, raw));
  }
  if (names.includes('localhost')) networks.push(...networksOf(loopback));
  return { allowlist: createAllowlist(names, networks), faults };
}

/** The host of a URL as connections see it: without the brackets of IPv6, without the dot of the root. */
export const bareHost = (hostname: string): string => hostname.toLowerCase().replace(/^\[(.*)\]$|\.$/g, '$1');

function createAllowlist(names: readonly string[], networks: readonly Network[]): Allowlist {
  const exact = new Set(names.filter(name => !name.startsWith('*.')));
  const suffixes = names.filter(name => name.startsWith('*.')).map(name => name.slice(1));
  const listed = blockListOf(networks);
  const special = blockListOf(specialNetworks);
  const inPrivate = blockListOf(networksOf(privateRanges));
  const listedSpecial = blockListOf(networks.filter(isSpecial));

  const isNamed = (host: string): boolean => exact.has(bareHost(host));
  const isBelowName = (host: string): boolean => {
    const name = bareHost(host);
    return suffixes.some(suffix => name.endsWith(suffix) && name.length > suffix.length);
  };
  const allowsAddress = (address: string): boolean =>
    contains(special, address) ? contains(listedSpecial, address) : contains(listed, address);
  return {
    allowsHost: host => isNamed(host) || isBelowName(host),
    allowsAddress,
    permits(host, address) {
      if (allowsAddress(address)) return true;
      if (isIP(withoutZone(address)) === 0 || contains(special, address)) return false;
      return isNamed(host) || (isBelowName(host) && !contains(inPrivate, address));
    },
  };
}

function readNetwork(entry: string): Network | undefined {
  const [, address = '', bits] = /^\[?([^\]/]+)\]?(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return undefined;
  const widest = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? widest : Number(bits);
  if (prefix > widest) return undefined;
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** Four numbers, or a name that ends in one, are a mistyped address, never a name (WHATWG URL, "ends in a number"). */
const isHostEntry = (entry: string): boolean =>
  entry.length <= 253 && hostPattern.test(entry) && !/(^|\.)(\d+|0x[0-9a-f]*)$/.test(entry);

function faultOf(index: number, entry: string): Fault {
  const port = /:\d+$/.test(entry) && !isIPv6(entry);
  const detail = port
    ? `"${entry}" has a port; list the host alone, all of its ports are allowed`
    : `"${entry}" is not a host name, "*." and a name, an IP address or a CIDR such as 10.0.0.0/8`;
  return { pointer: `/${index}`, code: 'invalid_entry', detail };
}

function blockListOf(networks: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family);
  return list;
}

/** An IPv4 address in IPv6 notation (`::ffff:127.0.0.1`) is matched as the IPv4 address by BlockList itself. */
function contains(list: BlockList, address: string): boolean {
  const plain = withoutZone(address);
  const version = isIP(plain);
  return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

const withoutZone = (address: string): string => address.replace(/%.*$/, '');

const networksOf = (ranges: readonly string[]): Network[] =>
  ranges.flatMap(range => readNetwork(range) ?? []);
const specialNetworks: readonly Network[] = networksOf(specialRanges);

/** Whether the network lies wholly within a special range. */
const isSpecial = (network: Network): boolean =>
  specialNetworks.some(
    range =>
      range.family === network.family &&
      range.prefix <= network.prefix &&
      blockListOf([range]).check(network.address, network.family),
  );

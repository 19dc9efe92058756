import { type Allowlist, bareHost, parseAllowlist } from './allowlist.ts';
import type { Fault } from './errors.ts';
import { isPublicAddress } from './public-address.ts';

/** Decides for the address that is connected to, as `Allowlist.permits` does. */
type Permits = Pick<Allowlist, 'permits'>;

/**
 * Where pushes may go. An endpoint comes from the application's database, and whoever writes there must not make a worker
 * send requests inside the own network: https goes to public addresses and to what is listed, http only to what is listed.
 * An entry is one of an `Allowlist`, or an origin (`http://127.0.0.1:4000`), which opens that port and no other.
 */
export interface PushAllowlist {
  https: Permits;
  http: Permits;
  byOrigin: ReadonlyMap<string, Permits>;
}

/** Reads the entries; those with faults are left out and named by their index. */
export function parsePushAllowlist(entries: readonly string[]): {
  allowlist: PushAllowlist;
  faults: Fault[];
} {
  const origins = entries.filter(isOrigin);
  const byOrigin = new Map<string, Permits>();
  const faults: Fault[] = [];
  for (const entry of origins) {
    const read = readOrigin(entry);
    if (read === undefined) faults.push(faultOf(entries.indexOf(entry), entry));
    else byOrigin.set(read.origin, read.permits);
  }
  const { allowlist: listed, faults: others } = parseAllowlist(entries.filter(entry => !isOrigin(entry)));
  const https = {
    permits: (host: string, address: string) => listed.permits(host, address) || isPublicAddress(address),
  };
  return { allowlist: { https, http: listed, byOrigin }, faults: [...faults, ...others] };
}

const isOrigin = (entry: string): boolean => entry.includes('://');

function readOrigin(entry: string): { origin: string; permits: Permits } | undefined {
  if (!URL.canParse(entry)) return undefined;
  const { protocol, origin, href, hostname } = new URL(entry);
  if (!['http:', 'https:'].includes(protocol) || href !== `${origin}/`) return undefined;
  const { allowlist, faults } = parseAllowlist([bareHost(hostname)]);
  return faults.length > 0 || hostname.includes('*') ? undefined : { origin, permits: allowlist };
}

const faultOf = (index: number, entry: string): Fault => ({
  pointer: `/${index}`,
  code: 'invalid_entry',
  detail: `"${entry}" is not an origin such as http://127.0.0.1:4000`,
});

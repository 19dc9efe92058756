import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { type Allowlist, bareHost } from '../../kernel/allowlist.ts';
import { TargetNotAllowedError } from './network-errors.ts';

/** Resolves a name to all of its addresses: `dns.lookup`, or another one in tests. */
export type Lookup = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Opens connections to allowed addresses only. The name is resolved by the connection itself, through `lookup`, and
 * what passes is what is connected to: there is no second resolution that could answer otherwise. A literal address is
 * never looked up, so it is checked on its own. One refused address refuses the name, since which of several is used
 * is chance.
 */
export function createGuardedConnector(
  allowlist: Allowlist,
  timeoutMs: number,
  resolve: Lookup = systemLookup,
): buildConnector.connector {
  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const refused = addresses?.find(({ address }) => !allowlist.permits(hostname, address));
      const first = addresses?.[0];
      if (error) callback(error, []);
      else if (refused !== undefined || first === undefined)
        callback(refusal(hostname, refused?.address), []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
  // HTTP/1.1 only: one request at a time on a connection. Whoever sends has timeouts of its own; this one, a little
  // later, closes the socket of a connection that never came to be.
  const connect = buildConnector({ lookup, allowH2: false, timeout: timeoutMs + 1000 });
  return (options, callback) => {
    const host = bareHost(options.hostname);
    if (isIP(host) === 0 || allowlist.permits(host, host)) connect(options, callback);
    else process.nextTick(callback, refusal(host, host), null);
  };
}

const refusal = (host: string, address: string | undefined): TargetNotAllowedError =>
  new TargetNotAllowedError(
    address === undefined || address === host
      ? `${host} is not in the list of allowed targets`
      : `${host} resolves to ${address}, which is not in the list of allowed targets`,
  );

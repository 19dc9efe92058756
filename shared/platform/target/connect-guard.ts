import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
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
  allowlist: Pick<Allowlist, 'permits'>,
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
  const common = { lookup, allowH2: false, timeout: timeoutMs + 1000 };
  const connectPlain = buildConnector({ ...common, onread: createSharedReading() });
  const connectTls = buildConnector(common);
  return (options, callback) => {
    const host = bareHost(options.hostname);
    const connect = options.protocol === 'https:' ? connectTls : connectPlain;
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

/**
 * Reading through one buffer for all connections, out of which each takes what came for it at once. Node itself allocates
 * 64 KiB for each read and gives back what was not filled. It calls this as a method of the socket that was read from.
 */
function createSharedReading(): OnReadOpts {
  return {
    buffer: Buffer.allocUnsafeSlow(64 * 1024),
    callback(this: Socket, length, buffer) {
      const chunk = Buffer.allocUnsafe(length);
      chunk.set(buffer.subarray(0, length));
      return this.push(chunk);
    },
  };
}

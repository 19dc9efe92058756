import type { buildConnector } from 'undici';
import type { PushAllowlist } from '../../../../../shared/kernel/push-allowlist.ts';
import { createGuardedConnector, type Lookup } from '../../../../../shared/platform/target/connect-guard.ts';

/**
 * Opens connections to push services: which addresses pass depends on the scheme, or on the origin where that is listed.
 * The guard asks for the address that is connected to, so a name that resolves to another one later is no way around it.
 */
export function createPushConnector(
  { https, http, byOrigin }: PushAllowlist,
  timeoutMs: number,
  resolve?: Lookup,
): buildConnector.connector {
  const guarded = (permits: typeof https) => createGuardedConnector(permits, timeoutMs, resolve);
  const ofScheme = { https: guarded(https), http: guarded(http) };
  const ofOrigin = new Map([...byOrigin].map(([origin, permits]) => [origin, guarded(permits)]));
  return (options, callback) => {
    const { protocol, host } = options;
    const listed = host === undefined ? undefined : ofOrigin.get(`${protocol}//${host}`);
    const connect = listed ?? (protocol === 'https:' ? ofScheme.https : ofScheme.http);
    connect(options, callback);
  };
}

import type { Lifecycle } from '../../shared/kernel/lifecycle.ts';

interface Servers {
  lifecycle?: Lifecycle;
}

declare global {
  var testServers: Servers | undefined;
}

/**
 * The servers of this run of Jest. The setup and the teardown, of each project, are loaded as modules of their own:
 * only the global object is common to them.
 */
export function runningServers(): Servers {
  globalThis.testServers ??= {};
  return globalThis.testServers;
}

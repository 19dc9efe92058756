import { runningServers } from './servers/running.ts';

/** Stops what global-setup.ts started; called once for each project, and the first call does it. */
export default async function stopServers(): Promise<void> {
  await runningServers().lifecycle?.stop();
}

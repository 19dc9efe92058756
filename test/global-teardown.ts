import { runningServers } from './servers/running.ts';

/** A failed test may leave a server or a timer behind, on which Jest would wait for ever. */
const lingerMs = 20_000;

/** Stops what global-setup.ts started; called once for each project, and the first call does it. */
export default async function stopServers(): Promise<void> {
  await runningServers().lifecycle?.stop();
  setTimeout(() => process.exit(), lingerMs).unref(); // Jest has set the exit code
}

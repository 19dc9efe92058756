/**
 * `node infra/scripts/probe.ts URL`: exits 0 when a GET is answered with 2xx within three seconds, else 1 with the
 * reason. The health check of the containers, which have no curl.
 */
import { messageOf } from '../../shared/kernel/errors.ts';

const timeoutMs = 3000;

async function probe(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
}

try {
  await probe(process.argv[2] ?? '');
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

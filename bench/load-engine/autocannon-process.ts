import autocannon from 'autocannon';
import type { RunReport } from './child.ts';

/** The peer, with its defaults: argument its options, output a report. */
async function main(options: autocannon.Options): Promise<RunReport> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const result = await autocannon(options);
  const cpu = process.cpuUsage(cpuBefore);
  return {
    requests: result['2xx'] + result.non2xx,
    failed: result.errors,
    seconds: (performance.now() - startedAt) / 1000,
    cpuUs: cpu.user + cpu.system,
    memory: [],
  };
}

const [options = ''] = process.argv.slice(2);
console.log(JSON.stringify(await main(JSON.parse(options))));

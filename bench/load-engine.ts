import { cpus } from 'node:os';
import type { EnginePlan } from '../services/worker/features/load-tests/engine/plan.ts';
import { sleep } from '../shared/kernel/time.ts';
import { cpuUsOf, type Program, type RunReport, runInProcess, runInTurns } from './load-engine/child.ts';
import { type CpuShare, createCpuShare } from './load-engine/cpu-share.ts';
import { runOtherPeers } from './load-engine/peers.ts';
import { type BenchTarget, startNginx } from './load-engine/target.ts';
import { show, spreadOf } from './statistics.ts';

/**
 * The load engine against nginx, in four parts that also run alone: `cpu`, what a request costs next to autocannon;
 * `processes`, what a second engine brings; `arrivals`, how well a rate is kept; `memory`, what a user costs and whether it
 * stays so (`--minutes 30`). Every engine runs with cookies, weights and histograms, and is drained each second.
 */
const parts: Record<string, (target: BenchTarget, options: Options) => Promise<void>> = {
  cpu: benchCpu,
  processes: benchProcesses,
  arrivals: benchArrivals,
  memory: benchMemory,
};

interface Options {
  rounds: number;
  seconds: number;
  minutes: number;
}

export async function benchLoadEngine(args: string[]): Promise<void> {
  const { chosen, options } = readArguments(args);
  const target = await startNginx();
  try {
    console.log(`target: ${target.description}`);
    for (const part of chosen) await part(target, options);
  } finally {
    await target.stop();
  }
}

function readArguments(args: string[]) {
  const options: Options = { rounds: 6, seconds: 20, minutes: 0 };
  const chosen: (typeof parts)[string][] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    const part = parts[arg];
    const value = Number(args[index + 1]);
    if (part !== undefined) chosen.push(part);
    else if (/^--(rounds|seconds|minutes)$/.test(arg) && value > 0) {
      Object.assign(options, { [arg.slice(2)]: value });
      index++;
    } else {
      const names = Object.keys(parts).join('|');
      throw new Error(
        `Usage: npm run bench -- load-engine [${names}]... [--rounds N] [--seconds N] [--minutes N]`,
      );
    }
  }
  return { chosen: chosen.length > 0 ? chosen : Object.values(parts), options };
}

function planFor(
  target: BenchTarget,
  executor: EnginePlan['executor'],
  more: Partial<EnginePlan> = {},
): EnginePlan {
  const endpoint = (url: string, weight: number) => ({
    name: url,
    url,
    weight,
    method: 'GET',
    timeoutMs: 30_000,
  });
  return {
    origin: target.origin,
    allowlist: ['127.0.0.0/8'],
    endpoints: [endpoint('/', 5), endpoint('/search?q=socks', 3), endpoint('/cart', 2)],
    executor,
    thinkTime: { minMs: 0, maxMs: 0 },
    share: { index: 0, count: 1 },
    maxConnections: 10_000,
    userAgent: 'muster/bench',
    seed: 1,
    gracefulStopMs: 5000,
    keepErrorSamples: true,
    ...more,
  };
}

/** As a worker runs it, in a process of its own. */
const runEngine = (plan: EnginePlan, share?: CpuShare): Promise<RunReport> =>
  runInProcess(engineThread(plan), share);

const engineThread = (plan: EnginePlan): Program => ({ script: './engine-thread-process.ts', input: plan });

/** Long against what a process needs to get going again, short against how long a shared machine keeps its speed. */
const turnMs = 500;

/**
 * CPU time a request of the whole process, from the start of the load to its end; warming up weighs less the longer it
 * is. The two have their turns within each round, each with a target of its own; from round to round they change places, for
 * whoever begins has been the cheaper one by some hundredths.
 */
async function benchCpu(target: BenchTarget, options: Options): Promise<void> {
  const peerTarget = await startNginx();
  try {
    await compareCpu(target, peerTarget, options);
  } finally {
    await peerTarget.stop();
  }
  await runOtherPeers(target.origin, options.seconds);
}

async function compareCpu(one: BenchTarget, other: BenchTarget, { rounds, seconds }: Options): Promise<void> {
  console.log(
    `\ncpu: 50 connections, no think time, ${rounds} rounds of ${seconds} s each in turns of ${turnMs} ms; peer: autocannon`,
  );
  const duration = 2 * seconds; // for half of it each is stopped
  const ours: number[] = [];
  const peers: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const isFirst = round % 2 === 1;
    const [target, peerTarget] = isFirst ? [one, other] : [other, one];
    const plan = planFor(target, { type: 'constant-vus', vus: 50, durationMs: duration * 1000 });
    const url = `${peerTarget.origin}/`;
    const autocannon = { script: './autocannon-process.ts', input: { url, connections: 50, duration } };
    const before = await target.requests();
    const [engine, peer] = await runBoth(engineThread(plan), autocannon, isFirst);
    const seen = (await target.requests()) - before - 1; // the question before
    ours.push(engine.cpuUs / engine.requests);
    peers.push(peer.cpuUs / peer.requests);
    console.log(
      `  round ${round}: Muster ${cost(engine)}, autocannon ${cost(peer)}; counted ${engine.requests}, the target ${seen}`,
    );
  }
  console.log(`Muster       ${show(spreadOf(ours), ' us of CPU a request')}`);
  console.log(`autocannon   ${show(spreadOf(peers), ' us of CPU a request')}`);
  console.log(
    `ratio        ${show(spreadOf(ours.map((us, round) => us / (peers[round] ?? Number.NaN))))}, wanted: at most 1.0`,
  );
}

async function runBoth(ours: Program, peer: Program, isFirst: boolean): Promise<[RunReport, RunReport]> {
  if (isFirst) return runInTurns(ours, peer, turnMs);
  const [theirReport, ourReport] = await runInTurns(peer, ours, turnMs);
  return [ourReport, theirReport];
}

/**
 * Two engines at once next to one. Two engines and a target need three cores: with fewer, each engine is held to a share
 * of a core, the same alone and in company, so that neither the cores nor the target are the limit.
 */
async function benchProcesses(target: BenchTarget, { rounds, seconds }: Options): Promise<void> {
  const share = cpus().length < 4 ? 0.3 : 1;
  const shares = share === 1 ? [] : await Promise.all([createCpuShare(share), createCpuShare(share)]);
  const held = shares.some(Boolean) ? `, each held to ${share} of a core` : '';
  console.log(
    `\nprocesses: 50 users in one process, then in each of two${held}, ${rounds} rounds of ${seconds} s`,
  );
  const planOf = (index: number, count: number) =>
    planFor(
      target,
      { type: 'constant-vus', vus: 50 * count, durationMs: seconds * 1000 },
      { share: { index, count } },
    );
  const run = (index: number, count: number) => runEngine(planOf(index, count), shares[index]);
  const ratios: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const one = await run(0, 1);
    const cpuBefore = await cpuUsOf(target.pids);
    const two = await Promise.all([run(0, 2), run(1, 2)]);
    const targetCpu = ((await cpuUsOf(target.pids)) - cpuBefore) / 1e6 / seconds;
    const together = two.reduce((sum, report) => sum + report.requests / report.seconds, 0);
    ratios.push(together / (one.requests / one.seconds));
    const used = two.map(report => (report.cpuUs / 1e6 / report.seconds).toFixed(2)).join(' and ');
    console.log(
      `  round ${round}: one ${rate(one)}, two ${Math.round(together)}/s; cores used: engines ${used}, target ${targetCpu.toFixed(2)}`,
    );
  }
  await Promise.all(shares.map(each => each?.remove()));
  console.log(
    `two / one    ${show(spreadOf(ratios))}, wanted: at least 1.8 where the target is not the limit`,
  );
  if (share < 1 && held === '')
    console.log(
      `             ${cpus().length} cores for two engines and a target: the cores are the limit here`,
    );
}

async function benchArrivals(target: BenchTarget): Promise<void> {
  const seconds = 30;
  console.log(`\narrivals: 2,000 a second for ${seconds} s`);
  const jitter = await timerJitterUs();
  const plan = planFor(target, {
    type: 'constant-arrival-rate',
    rate: 2000,
    timeUnitMs: 1000,
    durationMs: seconds * 1000,
    maxVus: 500,
  });
  const {
    requests,
    failed,
    dropped = 0,
    latenessP99Us = Number.NaN,
    cpuUs,
  } = await runInProcess({ script: './engine-process.ts', input: plan });
  const off = (requests / (2000 * seconds) - 1) * 100;
  console.log(
    `delivered    ${requests} of ${2000 * seconds} (${off.toFixed(3)} %, wanted within 0.5), ${failed} failed, ${dropped} dropped`,
  );
  console.log(
    `lateness     p99 ${ms(latenessP99Us)} (wanted under 2 ms); this machine's 1 ms timers, idle: p99 ${ms(jitter)} late`,
  );
  console.log(`CPU          ${(cpuUs / requests).toFixed(1)} us a request`);
}

/** How late a timer of 1 ms is, with nothing else to do. */
async function timerJitterUs(): Promise<number> {
  const late: number[] = [];
  for (let count = 0; count < 1000; count++) {
    const dueAt = performance.now() + 1;
    await sleep(1);
    late.push((performance.now() - dueAt) * 1000);
  }
  return late.sort((a, b) => a - b)[990] ?? Number.NaN;
}

async function benchMemory(target: BenchTarget, { minutes }: Options): Promise<void> {
  const users = 5000;
  const durationMs = minutes > 0 ? minutes * 60_000 + 5000 : 15_000;
  console.log(
    `\nmemory: ${users} users with 1 to 3 s of think time for ${durationMs / 1000} s, next to 1 user`,
  );
  const planOf = (vus: number, forMs: number) =>
    planFor(
      target,
      { type: 'constant-vus', vus, durationMs: forMs },
      { thinkTime: { minMs: 1000, maxMs: 3000 } },
    );
  const [one] = (await runEngine(planOf(1, 11_000))).memory;
  const { memory, failed, requests } = await runEngine(planOf(users, durationMs));
  const each = memory.map(({ rssBytes }) => (rssBytes - (one?.rssBytes ?? 0)) / 1024 / users);
  console.log(
    `a user       ${each.map(kB => kB.toFixed(1)).join(', ')} kB resident, wanted: under 40, and flat`,
  );
  console.log(`             after 10 s and each minute; ${failed} of ${requests} requests failed`);
}

const cost = ({ requests, cpuUs }: RunReport): string =>
  `${(cpuUs / requests).toFixed(1)} us a request (${requests})`;
const rate = ({ requests, seconds, cpuUs }: RunReport): string =>
  `${Math.round(requests / seconds)}/s at ${(cpuUs / requests).toFixed(1)} us`;
const ms = (us: number): string => `${(us / 1000).toFixed(2)} ms`;

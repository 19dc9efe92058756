import { endedTest } from '../../../../../test/fixtures/load-results.ts';
import { loadTestConfig } from '../../../../../test/fixtures/load-test.ts';
import type { Delta } from '../engine/delta.ts';
import { LatencyRecorder } from '../engine/latency-histogram.ts';
import { createTally } from './tally.ts';

const config = loadTestConfig({ duration_seconds: 10 });
const test = endedTest({ config });
const stopped = { ...test, control: { ...test.control, stop: 'graceful' as const } };
const shards = [0, 1].map(shard => ({ shard, status: 'running' as const }));

const delta = (second: number, more: Partial<Delta> = {}): Delta => ({
  seq: second,
  second,
  vus: 2,
  vusMax: 2,
  droppedIterations: 0,
  started: 10,
  underWay: 0,
  endpoints: {
    home: {
      requests: 10,
      failed: 0,
      errors: {},
      statuses: { 200: 10 },
      bytesReceived: 0,
      bytesSent: 0,
      serviceTime: new LatencyRecorder().drain(),
      responseTime: new LatencyRecorder().drain(),
      serviceTimeSumUs: 0,
    },
  },
  errorSamples: [],
  events: [],
  health: { loopDelayP99Ms: 0, cpu: 0, saturated: false },
  ...more,
});

const secondsTo = (end: number): number[] => Array.from({ length: end }, (_, second) => second);

/** Reads what these shards reported of these seconds. */
async function tallyOf(ofShards: [shard: number, deltas: Delta[]][]) {
  const tally = createTally(config);
  for (const [shard, deltas] of ofShards) {
    await tally.add(deltas.map(of => ({ shard, epoch: 1, seq: of.seq, second: of.second, delta: of })));
  }
  return tally;
}
const whole = secondsTo(10).map(second => delta(second));

describe('what a run went through of its schedule', () => {
  it('is all of it, with a second that a busy machine has skipped and answers after the end', async () => {
    const busy = [...whole.filter(({ second }) => second !== 4), delta(11)];
    const tally = await tallyOf([
      [0, whole],
      [1, busy],
    ]);
    expect(tally.coverageOf(shards)).toEqual({ share: 0.95, isShort: false });
  });

  it('is less when a shard ended early, or never began', async () => {
    const tally = await tallyOf([[0, whole.slice(0, 4)]]);
    expect(tally.coverageOf(shards)).toEqual({ share: 0.2, isShort: true });
  });

  it('has none of the seconds in which a shard was cut off', async () => {
    const cut = whole.map(of => (of.second < 7 ? of : { ...of, cutOff: true }));
    const tally = await tallyOf([
      [0, whole],
      [1, cut],
    ]);
    expect(tally.coverageOf(shards)).toEqual({ share: 0.85, isShort: true });
  });
});

describe('rates', () => {
  const rateAt = async (elapsedMs: number, run = test, deltas = whole.slice(0, 2)) => {
    const tally = await tallyOf([[0, deltas]]);
    return tally.measure(shards, { test: run, elapsedMs }).metrics.http_reqs.rate;
  };

  it('are over the seconds that were reported, while the next ticks may be on their way', async () => {
    expect(await rateAt(4500)).toBe(10);
  });

  it('count the time in which nothing was sent, up to the end of the schedule', async () => {
    expect(await rateAt(8000)).toBe(4);
    expect(await rateAt(60_000)).toBe(2);
  });

  it('do not count the time after a stop', async () => {
    expect(await rateAt(8000, stopped)).toBe(10);
  });

  it('do not count the seconds after a stop in which the last answers are waited for', async () => {
    const waits = whole.slice(2, 8).map(of => ({ ...of, started: 0, endpoints: {} }));
    expect(await rateAt(8000, stopped, [...whole.slice(0, 2), ...waits])).toBe(10);
    expect(await rateAt(8000, test, [...whole.slice(0, 2), ...waits])).toBe(2.5);
  });
});

it('the users of a run that has ended are those of its last second', async () => {
  const run = { test, elapsedMs: 12_000 };
  const ended = shards.map(shard => ({ ...shard, status: 'ended' as const }));
  const last = { ...delta(10, { vus: 0 }), isLast: true };
  const begun = await tallyOf([[0, whole.slice(0, 1)]]);
  expect(begun.measure(shards, run)).toMatchObject({ vus: null, metrics: { vus: 2 } });
  const tally = await tallyOf([
    [0, [...whole, last]],
    [1, [...whole, last]],
  ]);
  expect(tally.measure(ended, run)).toMatchObject({ vus: 4, metrics: { vus: 0 } });
  expect((await tallyOf([[0, [last]]])).measure(ended, run).vus).toBeNull();
});

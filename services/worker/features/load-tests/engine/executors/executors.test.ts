import fc from 'fast-check';
import { createArrivalPace } from '../arrival-pace.ts';
import type { RampingArrivalRate } from '../plan.ts';
import { firstOfShare, shareOf } from '../share.ts';
import type { ClosedSchedule, OpenSchedule } from './executor.ts';
import { factsOf } from './kinds.ts';
import { rampingArrivalRate } from './ramping-arrival-rate.ts';
import { rampingVus } from './ramping-vus.ts';

const stages = fc.array(
  fc.record({ durationMs: fc.integer({ min: 0, max: 60_000 }), target: fc.integer({ min: 0, max: 5000 }) }),
  {
    minLength: 1,
    maxLength: 5,
  },
);

function openOf(executor: RampingArrivalRate): OpenSchedule {
  const schedule = rampingArrivalRate.schedule(executor);
  if (schedule.model !== 'open') throw new Error('not open');
  return schedule;
}

describe('executors', () => {
  it('ramp users in straight lines, and jump in a stage of no time', () => {
    const schedule = rampingVus.schedule({
      type: 'ramping-vus',
      startVus: 0,
      stages: [
        { durationMs: 1000, target: 10 },
        { durationMs: 0, target: 4 },
        { durationMs: 1000, target: 4 },
      ],
    }) as ClosedSchedule;
    expect([0, 250, 500, 999, 1000, 1999, 5000].map(schedule.usersAt)).toEqual([0, 3, 5, 10, 4, 4, 4]);
    expect(schedule.maxUsers).toBe(10);
  });

  it('place every arrival of a ramp where the area below it says', () => {
    fc.assert(
      fc.property(
        stages,
        fc.integer({ min: 0, max: 5000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (given, startRate, part) => {
          const schedule = openOf({
            type: 'ramping-arrival-rate',
            startRate,
            timeUnitMs: 1000,
            stages: given,
            maxVus: 1,
          });
          const all = schedule.arrivalsBy(Number.MAX_SAFE_INTEGER);
          fc.pre(all > 1);
          const arrival = part * (all - 0.5);
          expect(schedule.arrivalsBy(schedule.timeOf(arrival))).toBeCloseTo(arrival, 3);
          expect(schedule.timeOf(all + 1)).toBe(Number.POSITIVE_INFINITY);
        },
      ),
      { examples: [[[{ durationMs: 7, target: 286 }], 0, Number.MIN_VALUE]] },
    );
  });

  it('go on without a jump when the pace changes, and stand still while nothing is asked for', () => {
    const schedule = openOf({
      type: 'ramping-arrival-rate',
      startRate: 100,
      timeUnitMs: 1000,
      stages: [{ durationMs: 10_000, target: 100 }],
      maxVus: 1,
    });
    const pace = createArrivalPace(schedule);
    expect(pace.timeOf(100)).toBeCloseTo(1000);
    pace.change({ factor: 0.5, ratePerMs: null }, 1000);
    expect(pace.timeOf(150)).toBeCloseTo(2000);
    pace.change({ factor: 0, ratePerMs: null }, 2000);
    expect([pace.timeOf(151), pace.arrivalsBy(3000)]).toEqual([
      Number.POSITIVE_INFINITY,
      expect.closeTo(150),
    ]);
    pace.change({ factor: 1, ratePerMs: 1 }, 3000);
    expect(pace.timeOf(250)).toBeCloseTo(3100);
    pace.change({ factor: 1, ratePerMs: null }, 3100);
    expect(pace.timeOf(251)).toBeCloseTo(3110);
  });

  it('are shared out whole: every number to one engine', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 20 }), (total, count) => {
        const shares = Array.from({ length: count }, (_, index) => ({ index, count }));
        expect(shares.reduce((sum, share) => sum + shareOf(total, share), 0)).toBe(total);
        const firsts = shares.map(share => firstOfShare(total, share)).sort((a, b) => a - b);
        expect(firsts).toEqual(shares.map((_, index) => total + index));
      }),
    );
  });

  it('name all of their faults, and describe themselves', () => {
    const facts = factsOf({
      type: 'constant-arrival-rate',
      rate: 0,
      timeUnitMs: 1000,
      durationMs: -1,
      maxVus: 1.5,
    });
    expect(facts.faults.map(({ pointer }) => pointer)).toEqual(['/rate', '/durationMs', '/maxVus']);
    expect(factsOf({ type: 'ramping-vus', startVus: 1, stages: [] }).faults[0]?.pointer).toBe('/stages');
    expect(factsOf({ type: 'constant-vus', vus: 0, durationMs: 1000 }).faults[0]?.detail).toContain(
      'from 1, not 0',
    );
    expect(factsOf({ type: 'constant-vus', vus: 50, durationMs: 15_500 }).description).toBe(
      '50 looping users for 15.5s',
    );
  });
});

import { setTimeout as delay } from 'node:timers/promises';
import { createTimerWheel, createWheelTimer } from './timer-wheel.ts';

describe('a timer wheel', () => {
  const wheel = createTimerWheel();
  afterAll(() => wheel.stop());

  it('fires in order, never early, and not what was cleared or set anew', async () => {
    const startedAt = performance.now();
    const fired: string[] = [];
    const early: string[] = [];
    const timer = (name: string, delayMs: number) => {
      const made = createWheelTimer(() => {
        fired.push(name);
        if (performance.now() - startedAt < delayMs) early.push(name);
      });
      wheel.setAtLeast(made, delayMs);
      return made;
    };
    const moved = timer('moved', 20);
    const cleared = timer('cleared', 30);
    timer('b', 60);
    timer('a', 25);
    wheel.clear(cleared);
    wheel.setAtLeast(moved, 90);
    await new Promise<void>(resolve => wheel.setAtLeast(createWheelTimer(resolve), 130));
    expect({ fired, early }).toEqual({ fired: ['a', 'b', 'moved'], early: [] });
  });

  it('lets a timer set itself and clear another while it fires', async () => {
    const fired: string[] = [];
    const second = createWheelTimer(() => fired.push('second'));
    const first = createWheelTimer(() => {
      fired.push('first');
      wheel.clear(second);
      if (fired.length < 3) wheel.setAtLeast(first, 10);
    });
    wheel.setAtLeast(first, 10);
    wheel.setAtLeast(second, 10);
    while (fired.length < 3) await delay(5);
    expect(fired).toEqual(['first', 'first', 'first']);
  });

  it('wakes after the think time on average, though the loop comes to each tick late', () => {
    const { jest } = import.meta;
    jest.useFakeTimers();
    const late = createTimerWheel();
    const clock = performance.now.bind(performance);
    const behind = jest.spyOn(performance, 'now').mockImplementation(() => clock() + 6);
    const slept: number[] = [];
    const sleep = (random: number) => {
      const fellAsleepAt = performance.now();
      const timer = createWheelTimer(() => {
        slept.push(performance.now() - fellAsleepAt);
        sleep((random + 0.37) % 1);
      });
      late.setAbout(timer, 50, random);
    };
    jest.advanceTimersByTime(2000); // the wheel learns how late it is
    for (let user = 0; user < 20; user++) sleep(user / 20);
    jest.advanceTimersByTime(20_000);
    late.stop();
    behind.mockRestore();
    jest.useRealTimers();
    expect(slept.length).toBeGreaterThan(7000);
    const mean = slept.reduce((sum, ms) => sum + ms, 0) / slept.length;
    expect(mean).toBeCloseTo(50, 0);
  });

  it('lets nobody make up for a loop that stood still', () => {
    const { jest } = import.meta;
    jest.useFakeTimers();
    const stalled = createTimerWheel();
    const clock = performance.now.bind(performance);
    let standstillMs = 0;
    const behind = jest.spyOn(performance, 'now').mockImplementation(() => clock() + standstillMs);
    jest.advanceTimersByTime(1000);
    standstillMs = 2000;
    jest.advanceTimersByTime(10); // all the ticks that went by meanwhile, in one turn
    const fellAsleepAt = performance.now();
    const slept: number[] = [];
    for (let user = 0; user < 20; user++) {
      const timer = createWheelTimer(() => slept.push(performance.now() - fellAsleepAt));
      stalled.setAbout(timer, 50, user / 20);
    }
    jest.advanceTimersByTime(100);
    stalled.stop();
    behind.mockRestore();
    jest.useRealTimers();
    expect(slept).toHaveLength(20);
    expect(Math.min(...slept)).toBeGreaterThanOrEqual(30);
  });
});

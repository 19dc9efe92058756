import { PassThrough } from 'node:stream';
import { showProgress } from './progress.ts';

describe('progress where there is no terminal', () => {
  it('is a line for every tenth and every phase, not for every event', () => {
    const screen = new PassThrough();
    const display = showProgress(screen);
    display.update({ phase: 'planning', done: 0, total: 200, percent: 0 });
    for (let done = 0; done <= 200; done += 5) {
      display.update({ phase: 'creating', done, total: 200, percent: done / 2 });
    }
    display.stop();
    const lines = String(screen.read()).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 11);
    expect(lines[0]).toBe('  planning 0 % (0/200)');
    expect(lines.at(-1)).toBe('  creating 100 % (200/200)');
  });
});

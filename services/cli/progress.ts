import { SingleBar } from 'cli-progress';
import type { JobProgress } from '../../shared/contracts/job.ts';
import { printableCell } from './printable.ts';

/** Shows how far a job is: a bar that moves in a terminal, plain lines (one every tenth) anywhere else. */
export interface ProgressDisplay {
  update(progress: JobProgress): void;
  stop(): void;
}

export type Screen = NodeJS.WritableStream & { isTTY?: boolean };

export const showProgress = (screen: Screen): ProgressDisplay =>
  screen.isTTY ? movingBar(screen) : plainLines(screen);

function movingBar(stream: Screen): ProgressDisplay {
  const bar = new SingleBar({
    stream,
    format: '  {phase} {bar} {percent} %  {value}/{total}  {duration_formatted}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    hideCursor: true,
    forceRedraw: true,
  });
  let started = false;
  return {
    update({ phase, done, total, percent }) {
      const payload = {
        phase: printableCell(phase).padEnd(10),
        percent: String(Math.floor(percent)).padStart(3),
      };
      if (!started) bar.start(total, done, payload);
      started = true;
      bar.setTotal(total);
      bar.update(done, payload);
    },
    stop: () => bar.stop(),
  };
}

function plainLines(stream: Screen): ProgressDisplay {
  let shown = '';
  return {
    update({ phase, done, total, percent }) {
      const step = `${phase} ${Math.floor(percent / 10)}`;
      if (step === shown) return;
      shown = step;
      stream.write(`  ${printableCell(phase)} ${Math.floor(percent)} % (${done}/${total})\n`);
    },
    stop() {},
  };
}

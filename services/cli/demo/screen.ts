import { styleText } from 'node:util';
import { secondsSince } from '../../../shared/kernel/time.ts';
import { printable } from '../printable.ts';
import type { Screen } from '../progress.ts';

const clearLine = '\r\u001b[2K';

/** Prints the demo's steps, each with the time that it took. */
export function createDemoScreen(screen: Screen) {
  const paint = (style: 'bold' | 'dim' | 'green', text: string) =>
    screen.isTTY ? styleText(style, text) : text;
  const print = (text = '') => void screen.write(`${text}\n`);
  return {
    title: (text: string) => print(`\n${paint('bold', printable(text))}\n`),
    print: (text: string) => print(printable(text)),
    detail: (name: string, value: string) =>
      print(`      ${paint('dim', printable(name).padEnd(11))} ${printable(value)}`),
    /** Runs a step and prints what it says of itself, with its seconds; `meanwhile` is shown until then. */
    async step<T>(work: () => Promise<T>, describe: (result: T) => string, meanwhile?: string): Promise<T> {
      const startedAt = performance.now();
      const waiting = screen.isTTY && meanwhile !== undefined;
      if (waiting) screen.write(`  ${paint('dim', `… ${meanwhile}`)}`);
      const result = await work().finally(() => waiting && screen.write(clearLine));
      const seconds = `${secondsSince(startedAt).toFixed(1)} s`.padStart(7);
      print(`  ${paint('green', '✓')} ${printable(describe(result)).padEnd(67)}${paint('dim', seconds)}`);
      return result;
    },
  };
}

export type DemoScreen = ReturnType<typeof createDemoScreen>;

import { stripVTControlCharacters, styleText } from 'node:util';
import type { RunningStack } from './stack.ts';

/** The one box that a start prints: where everything is, the key, how to stop. */
export function summaryBox(stack: RunningStack, secondsToStart: number): string {
  const rows: [string, string][] = [
    ['API', stack.apiUrl],
    ['Dashboard', `${stack.apiUrl}/dashboard`],
    ['Reference', `${stack.apiUrl}/api/docs`],
    ['Queues', `${stack.apiUrl}/admin/queues`],
    ['Storefront', stack.storefront?.url ?? 'not started: USER_DIRECTORY names another application'],
    ['API key', stack.apiKey],
  ];
  const title = styleText('bold', `Muster is up (${secondsToStart.toFixed(1)} s)`);
  const facts = rows.map(([name, value]) => `${styleText('dim', name.padEnd(12))}${value}`);
  return box([
    title,
    '',
    ...facts,
    '',
    styleText('dim', 'Ctrl-C stops everything; once more stops it at once.'),
  ]);
}

function box(lines: string[]): string {
  const width = Math.max(...lines.map(visibleLength));
  const body = lines.map(line => `│ ${line}${' '.repeat(width - visibleLength(line))} │`);
  const edge = '─'.repeat(width + 2);
  return [`┌${edge}┐`, ...body, `└${edge}┘`].join('\n');
}

const visibleLength = (text: string): number => stripVTControlCharacters(text).length;

import { stripVTControlCharacters } from 'node:util';
import { createLinePrinters } from './log-lines.ts';

function printed(raw: boolean, line: string): string {
  const lines: string[] = [];
  createLinePrinters({ write: text => lines.push(text), raw })('worker-1')(line);
  return stripVTControlCharacters(lines.join('\n'));
}

const pino = JSON.stringify({
  level: 'warn',
  time: '2026-01-31T12:00:01.234Z',
  service: 'worker',
  pid: 7,
  msg: 'chunk failed',
  chunk: 3,
  err: { code: 'x' },
});

describe('the log lines of a child', () => {
  it('show time, level, process, message and what else there is', () => {
    expect(printed(false, pino)).toBe('12:00:01.234 WARN  worker-1   chunk failed chunk=3 err={"code":"x"}');
  });

  it('stay as they are behind the prefix when they are not of the logger', () => {
    expect(printed(false, 'Error: boom')).toBe('worker-1   Error: boom');
    expect(printed(false, '{"half":')).toBe('worker-1   {"half":');
  });

  it('go through untouched with LOG_RAW', () => {
    expect(printed(true, pino)).toBe(pino);
  });
});

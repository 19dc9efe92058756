import { styleText } from 'node:util';
import { z } from 'zod';

/** The log lines of several processes in one terminal: `12:03:04.123 INFO  worker-1   message key=value`. */

type Style = Parameters<typeof styleText>[0];

const pinoLine = z.looseObject({ level: z.string(), time: z.string(), msg: z.string().default('') });
const ownFields = new Set(['level', 'time', 'msg', 'service', 'pid', 'hostname']);
const levelStyles: Record<string, Style> = {
  warn: 'yellow',
  error: 'red',
  fatal: ['red', 'bold'],
  debug: 'dim',
};
const nameStyles: Style[] = ['cyan', 'magenta', 'green', 'blue', 'yellow', 'white'];

export interface LinePrinterOptions {
  write: (line: string) => void;
  /** Lines go through as the child printed them, for tools that read JSON. */
  raw: boolean;
}

/** Gives each process a printer with its own colour and a prefix of the same width. */
export function createLinePrinters({ write, raw }: LinePrinterOptions) {
  let count = 0;
  return (name: string): ((line: string) => void) => {
    if (raw) return write;
    const prefix = styleText(nameStyles[count++ % nameStyles.length] ?? 'white', name.padEnd(10));
    return line => write(formatLine(prefix, line));
  };
}

/** One line of a child, readable; what is not a pino line stays as it is, behind the prefix. */
function formatLine(prefix: string, line: string): string {
  const parsed = pinoLine.safeParse(parseJson(line));
  if (!parsed.success) return `${prefix} ${line}`;
  const { level, time, msg } = parsed.data;
  const mark = styleText(levelStyles[level] ?? 'white', level.toUpperCase().padEnd(5));
  const rest = Object.entries(parsed.data).filter(([key]) => !ownFields.has(key));
  const fields = rest.map(([key, value]) => `${key}=${showValue(value)}`).join(' ');
  const clock = styleText('dim', time.slice(11, 23));
  return `${clock} ${mark} ${prefix} ${msg}${fields === '' ? '' : styleText('dim', ` ${fields}`)}`;
}

const lastWords = z.looseObject({ reason: z.string(), hint: z.string().optional() });

/** Why a child ended, from the line with which `runService` says so; undefined for any other line. */
export const readLastWords = (line: string): z.infer<typeof lastWords> | undefined =>
  lastWords.safeParse(parseJson(line)).data;

function showValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parseJson(line: string): unknown {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

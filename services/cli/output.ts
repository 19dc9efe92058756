import { styleText } from 'node:util';
import { type CliFailure, describeFailure } from './failure.ts';
import { printable, printableCell } from './printable.ts';
import type { Screen } from './progress.ts';

interface Page {
  items: unknown[];
  next_cursor: string | null;
}

/** What every list of the API takes (`shared/http/pagination.ts`). */
const more = 'There are more: ask for them with --limit (up to 1000).';

/** Where a command's words go: results to stdout, everything said on the way to stderr. */
export interface Output {
  /** With `--json`, stdout carries one JSON document and nothing else. */
  readonly json: boolean;
  readonly stderr: Screen;
  /** The command's result: as JSON for machines, else as the lines that `render` makes of it. */
  result<T>(value: T, render: (value: T) => string[]): void;
  /** A page of a list: the lines that `render` makes of it, and whether there is more than the page, or nothing at all. */
  page<T extends Page>(page: T, render: (page: T) => string[]): void;
  /** A word on the way. */
  note(text: string): void;
  failure(failure: CliFailure): void;
}

export function createOutput({
  stdout,
  stderr,
  json,
}: {
  stdout: Screen;
  stderr: Screen;
  json: boolean;
}): Output {
  const result: Output['result'] = (value, render) =>
    void stdout.write(
      json
        ? `${JSON.stringify(value, null, 2)}\n`
        : render(value)
            .map(line => `${printable(line)}\n`)
            .join(''),
    );
  const note: Output['note'] = text => void stderr.write(`${printable(text)}\n`);
  return {
    json,
    stderr,
    result,
    note,
    page(page, render) {
      result(page, () => [...render(page), ...(page.next_cursor === null ? [] : [more])]);
      if (!json && page.items.length === 0) note('None.');
    },
    failure(failure) {
      const { kind, message, problem } = failure;
      const [first = '', ...rest] = describeFailure(failure).map(printable);
      const lines = [stderr.isTTY ? styleText('red', first) : first, ...rest];
      stderr.write(json ? `${JSON.stringify({ error: kind, message, problem })}\n` : `${lines.join('\n')}\n`);
    },
  };
}

/** Columns as wide as their widest cell. The first row is the heading. */
export function table(given: string[][]): string[] {
  const rows = given.map(cells => cells.map(printableCell));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** `name  value` lines. */
export const facts = (pairs: [string, string | number][]): string[] =>
  table(pairs.map(([name, value]) => [name, typeof value === 'number' ? value.toLocaleString('en') : value]));

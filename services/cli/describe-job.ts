import type { Job } from './follow-job.ts';
import { facts, table } from './output.ts';

/** Rows of a list in a result that a person is shown; `--json` has them all. */
const shownRows = 20;

type Fields = Record<string, unknown>;

/** The lines that describe a job to a person. */
export function describeJob({ id, kind, status, progress, error, result }: Job): string[] {
  return [
    `${kind} ${id}: ${status}`,
    ...facts([
      ...(progress ? [fact('progress', progressText(progress))] : []),
      ...(error ? [fact('error', `${error.code}: ${error.message}`)] : []),
      ...(isFields(result) ? factsOf(result) : []),
    ]),
    ...(isFields(result) ? listsOf(result) : []),
  ];
}

const progressText = ({ phase, done, total, percent }: NonNullable<Job['progress']>): string =>
  `${phase} ${done}/${total} (${percent} %)`;

const fact = (name: string, value: string): [string, string] => [`  ${name}`, value];

const factsOf = (result: Fields): [string, string][] =>
  Object.entries(result)
    .filter(([, value]) => !isList(value))
    .map(([name, value]) => fact(name, show(value)));

/** What is a list of rows in a result, as a table below its name; one without any is left out. */
function listsOf(result: Fields): string[] {
  return Object.entries(result).flatMap(([name, value]) => {
    if (!isList(value) || value.length === 0) return [];
    const columns = [...new Set(value.flatMap(Object.keys))];
    const rows = value.slice(0, shownRows).map(row => columns.map(column => show(row[column])));
    const more = value.length - rows.length;
    return [
      `  ${name}`,
      ...table([columns.map(column => column.toUpperCase().replaceAll('_', ' ')), ...rows]).map(
        line => `    ${line}`,
      ),
      ...(more > 0 ? [`    and ${more} more: --json has them`] : []),
    ];
  });
}

function show(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (isFields(value)) return listed(Object.entries(value).map(([name, each]) => `${name} ${show(each)}`));
  if (Array.isArray(value)) return listed(value.map(show));
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const listed = (texts: string[]): string => (texts.length === 0 ? 'none' : texts.join(', '));

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An empty one is a list of rows, too: nothing is to be said of it. */
const isList = (value: unknown): value is Fields[] => Array.isArray(value) && value.every(isFields);

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import { countLoadEvents, readMainLoadEvents } from '../../../../../shared/store/load-tests/load-events.ts';
import {
  listLoadErrors,
  readLastSecond,
  readTimelinePages,
} from '../../../../../shared/store/load-tests/load-results.ts';
import { listShards } from '../../../../../shared/store/load-tests/load-shards-conducted.ts';
import type { LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';
import { createFold, type Folded } from './fold.ts';
import { html, ownBlock } from './html.ts';
import { type ReportContent, reportBody } from './page.ts';

/** Makes reports: HTML pages that carry their style and script in them and load nothing from anywhere. */
export interface Reporter {
  /** Allows the page what it has, and nothing else. */
  readonly headers: Record<string, string>;
  report(db: Executor, row: LoadTestRow): Promise<string>;
  /** The page of what was read already. */
  render(content: ReportContent): string;
}

const asset = (name: string): string => readFileSync(new URL(`assets/${name}`, import.meta.url), 'utf8');
const hashOf = (content: string): string =>
  `'sha256-${createHash('sha256').update(content).digest('base64')}'`;

export function createReporter(): Reporter {
  const style = asset('report.css');
  const script = asset('report.js');
  const policy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`;

  const render = (content: ReportContent): string =>
    html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${content.row.config.session_name} · Muster load test</title>
${ownBlock('style', style)}
</head>
<body>
${reportBody(content)}
${ownBlock('script', script)}
</body>
</html>
`.markup;

  return {
    headers: { 'Content-Security-Policy': `${policy}; frame-ancestors 'none'` },
    render,
    report: async (db, row) => render(await readContent(db, row)),
  };
}

const maxEvents = 300;
const maxErrors = 5000;

async function readContent(db: Executor, row: LoadTestRow): Promise<ReportContent> {
  const { id: testId } = row;
  const [shards, events, eventCounts, errors, folded] = await Promise.all([
    listShards(db, testId),
    readMainLoadEvents(db, { testId, limit: maxEvents }),
    countLoadEvents(db, testId),
    listLoadErrors(db, { testId, limit: maxErrors }),
    readFolded(db, row),
  ]);
  return {
    row,
    shards,
    events,
    eventCounts,
    errors,
    folded,
  };
}

async function readFolded(
  db: Executor,
  { id: testId, config, control, finishedAt }: LoadTestRow,
): Promise<Folded> {
  const isCutShort = finishedAt === null || control.stop !== null;
  const fold = createFold(config.duration_seconds, {
    ...(isCutShort && { cutShortAt: 1 + (await readLastSecond(db, testId)) }),
  });
  for await (const page of readTimelinePages(db, testId)) for (const point of page) fold.add(point);
  return fold.end();
}

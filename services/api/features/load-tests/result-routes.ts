import { z } from 'zod';
import type { TimelinePoint } from '../../../../shared/contracts/load-metrics.ts';
import {
  compareLoadTestsOperation,
  listLoadErrorsOperation,
  readLoadJunitOperation,
  readLoadReportOperation,
  readLoadSummaryOperation,
  readTimeseriesOperation,
} from '../../../../shared/http/load-test-results.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { listLoadErrors, readTimeline } from '../../../../shared/store/load-tests/load-results.ts';
import { readTimelineSteps } from '../../../../shared/store/load-tests/load-timeline-steps.ts';
import { ok, type Route, route, stream } from '../../route.ts';
import { compareRuns } from './compare/compare.ts';
import { readSeries } from './compare/series.ts';
import { degradedBecause } from './degraded.ts';
import { ended, existing } from './existing.ts';
import { junitOf } from './junit.ts';
import { presentError } from './present.ts';
import type { Reporter } from './report/report.ts';
import { summaryOf } from './summary.ts';

const secondOf = ({ second }: TimelinePoint): number => second;
const itself = <T>(item: T): T => item;

/** What came out of a load test, in the form that somebody needs. */
export const resultRoutes = ({ reporter }: { reporter: Reporter }): Route[] => [
  route(readTimeseriesOperation, async ({ params: { id }, query: { cursor, limit, step }, db }) => {
    await existing(db, id);
    const asked = { testId: id, afterSecond: decodeCursor(cursor, z.int32()), limit: limit + 1 };
    if (step === undefined) return ok(pageFrom(await readTimeline(db, asked), limit, secondOf, itself));
    const steps = await readTimelineSteps(db, { ...asked, stepSeconds: step });
    return ok(pageFrom(steps, limit, at => at.second + step - 1, itself));
  }),

  route(listLoadErrorsOperation, async ({ params: { id }, query: { cursor, limit }, db }) => {
    await existing(db, id);
    const afterId = decodeCursor(cursor, z.int());
    const rows = await listLoadErrors(db, { testId: id, afterId, limit: limit + 1 });
    return ok(pageFrom(rows, limit, row => row.id, presentError));
  }),

  route(readLoadSummaryOperation, async ({ params: { id }, db }) => {
    const row = await existing(db, id);
    return stream('text/plain; charset=utf-8', [summaryOf(row, await degradedBecause(db, row))]);
  }),

  route(readLoadReportOperation, async ({ params: { id }, db }) =>
    stream('text/html; charset=utf-8', [await reporter.report(db, await existing(db, id))], reporter.headers),
  ),

  route(readLoadJunitOperation, async ({ params: { id }, db }) =>
    stream('application/xml; charset=utf-8', [junitOf(await ended(db, id))]),
  ),

  route(compareLoadTestsOperation, async ({ query, db }) => {
    const [base, head] = [await ended(db, query.base), await ended(db, query.head)];
    return ok(await compareRuns(await readSeries(db, base), await readSeries(db, head)));
  }),
];

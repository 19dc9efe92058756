import { z } from 'zod';
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
import { ok, type Route, route, stream } from '../../route.ts';
import { compareRuns } from './compare/compare.ts';
import { readSeries } from './compare/series.ts';
import { ended, existing } from './existing.ts';
import { junitOf } from './junit.ts';
import { presentError } from './present.ts';
import type { Reporter } from './report/report.ts';
import { summaryOf } from './summary.ts';

/** What came out of a load test, in the form that somebody needs. */
export const resultRoutes = ({ reporter }: { reporter: Reporter }): Route[] => [
  route(readTimeseriesOperation, async ({ params: { id }, query: { cursor, limit }, db }) => {
    await existing(db, id);
    const afterSecond = decodeCursor(cursor, z.int32());
    const points = await readTimeline(db, { testId: id, afterSecond, limit: limit + 1 });
    return ok(
      pageFrom(
        points,
        limit,
        point => point.second,
        point => point,
      ),
    );
  }),

  route(listLoadErrorsOperation, async ({ params: { id }, query: { cursor, limit }, db }) => {
    await existing(db, id);
    const afterId = decodeCursor(cursor, z.int());
    const rows = await listLoadErrors(db, { testId: id, afterId, limit: limit + 1 });
    return ok(pageFrom(rows, limit, row => row.id, presentError));
  }),

  route(readLoadSummaryOperation, async ({ params: { id }, db }) =>
    stream('text/plain; charset=utf-8', [summaryOf(await existing(db, id))]),
  ),

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

import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { readShortfalls, type Shortfall } from '../../../../shared/store/load-tests/load-events.ts';
import type { LoadTestRow } from '../../../../shared/store/load-tests/load-tests.ts';
import { seconds } from './format.ts';

/** A worker that is cut off again and again fills no page with it. */
const mostTold = 6;

/** Why less load was delivered than asked, a sentence each; none where it was not. */
export async function degradedBecause(
  db: Executor,
  { id, degraded }: Pick<LoadTestRow, 'id' | 'degraded'>,
): Promise<string[]> {
  if (!degraded) return [];
  const shortfalls = await readShortfalls(db, id, mostTold);
  const [first] = shortfalls;
  if (first === undefined) return [withoutEvent];
  const untold = first.all - shortfalls.length;
  return [...shortfalls.map(sentenceOf), ...(untold > 0 ? [`${untold} more events like these`] : [])];
}

/** What the conductor finds at the end, when no worker was lost, late or cut off. */
const withoutEvent = 'A shard went through less of its schedule than planned, though no worker was lost';

function sentenceOf({ second, shard, message }: Shortfall): string {
  const at = second === null || second < 0 ? 'before the start' : `at ${seconds(second)}`;
  return `${at}${shard === null ? '' : `, shard ${shard}`}: ${message}`;
}

import type { Database, Db } from '../../../../shared/platform/postgres/db.ts';
import { withQueryCount } from '../../../../shared/platform/postgres/db.ts';

const sampleMs = 25;

export type Meter = ReturnType<typeof measure>;

/** Counts the statements of a page as the driver is given them, and watches by how much the process grows meanwhile. */
export function measure(database: Database) {
  let total = 0;
  let reads = 0;
  const db = withQueryCount(database, () => {
    total += 1;
  });
  const rssBefore = process.memoryUsage.rss();
  let peak = rssBefore;
  const sample = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const timer = setInterval(sample, sampleMs);
  return {
    db,
    /** Does what only reads. */
    async reading<T>(work: (db: Db) => Promise<T>): Promise<T> {
      const before = total;
      const result = await work(db);
      reads += total - before;
      sample();
      return result;
    },
    /** @param more statements that will follow, of which the last one carries these figures */
    figures(more: number) {
      sample();
      return {
        read_queries: reads,
        total_queries: total + more,
        peak_rss_growth_mb: Math.round(((peak - rssBefore) / 2 ** 20) * 10) / 10,
      };
    },
    stop: () => clearInterval(timer),
  };
}

import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import { sqlStateOf } from '../../../../../shared/platform/postgres/sql-state.ts';
import { refusedRow } from './application-faults.ts';

/** Rows that nothing holds together. */
export const alone = <Row>(rows: readonly Row[]): Row[][] => rows.map(row => [row]);

/**
 * Writes groups of rows at once; when a row is refused (an address that is taken, a value that does not fit), halves the
 * groups, and then the rows of one, until those at fault stand alone.
 */
export async function withCare<Row extends { username: string }>(
  groups: readonly (readonly Row[])[],
  write: (rows: readonly Row[]) => Promise<string[]>,
  faults: SyncFault[],
): Promise<string[]> {
  const rows = groups.flat();
  const [first] = rows;
  if (first === undefined) return [];
  try {
    return await write(rows);
  } catch (error) {
    if (!blamesARow(error)) throw error;
    if (rows.length === 1) {
      faults.push(refusedRow(first.username, error));
      return [];
    }
    const parts = groups.length === 1 ? alone(rows) : groups;
    const middle = Math.ceil(parts.length / 2);
    const lower = await withCare(parts.slice(0, middle), write, faults);
    return lower.concat(await withCare(parts.slice(middle), write, faults));
  }
}

export const blamesARow = (error: unknown): boolean => /^(22|23|42501|P0001)/.test(sqlStateOf(error) ?? '');

import { sql } from 'drizzle-orm';

/**
 * Set by every update of `accounts` that changes nothing of what its generated columns are made of. Without such a column
 * among those set, PostgreSQL 18 reads their expressions anew for each row and keeps all that until the statement ends:
 * 4 KB a row, 4 GB for a million accounts. The row stays as it was, and the index entries with it.
 */
export const sameRole = sql`role = role`;

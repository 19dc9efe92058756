import type { TransferredUser } from '../../../../shared/http/accounts.ts';
import type { ExportFormat } from '../../../../shared/http/user-export.ts';

/** A user on its way out; `password` only in exports with credentials. */
export type ExportedUser = TransferredUser;

/** What a JSON export says of itself. */
export interface ExportHeading {
  source_system: 'application' | 'load_tester';
  metadata: Record<string, unknown>;
}

type Pages = AsyncIterable<readonly ExportedUser[]>;
type Writer = (pages: Pages, heading: ExportHeading) => AsyncIterable<string>;

/** An export as text, a page of users at a time. */
export const writers: Record<ExportFormat, Writer> = { json: writeJson, ndjson: writeLines, csv: writeCsv };

async function* writeJson(pages: Pages, heading: ExportHeading) {
  const exportedAt = new Date().toISOString();
  let total = 0;
  yield '{"users":[';
  for await (const page of pages) {
    const users = page.map(user => JSON.stringify(user)).join(',\n');
    yield `${total === 0 ? '\n' : ',\n'}${users}`;
    total += page.length;
  }
  const rest = { export_timestamp: exportedAt, ...heading, total_count: total };
  yield `\n],${JSON.stringify(rest).slice(1)}\n`;
}

async function* writeLines(pages: Pages) {
  for await (const page of pages) yield page.map(user => `${JSON.stringify(user)}\n`).join('');
}

const columns = [
  'id',
  'username',
  'email',
  'role',
  'is_test_user',
  'test_batch_id',
  'custom_attributes',
  'created_at',
  'updated_at',
  'password',
] as const;

async function* writeCsv(pages: Pages, { metadata }: ExportHeading) {
  const shown = columns.filter(column => column !== 'password' || metadata.include_credentials === true);
  yield `${shown.join(',')}\r\n`;
  for await (const page of pages) {
    yield page.map(user => `${shown.map(column => cellOf(user[column])).join(',')}\r\n`).join('');
  }
}

/**
 * A field by RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV
 * Injection"): usernames are whatever people signed up with.
 */
function cellOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

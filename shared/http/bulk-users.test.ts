import { createBulkUsersOperation } from './bulk-users.ts';
import { faultsOf } from './faults.ts';

/** The faults of a body, as `pointer code`. */
function faults(body: unknown): string[] {
  const parsed = createBulkUsersOperation.body.safeParse(body);
  return parsed.success ? [] : faultsOf(parsed.error, body).map(({ pointer, code }) => `${pointer} ${code}`);
}

describe('a request for bulk users', () => {
  it('needs a count only', () => {
    expect(faults({ count: 1 })).toEqual([]);
    expect(faults({})).toEqual(['/count required']);
  });

  it('may make ten thousand chunks and no more', () => {
    expect(faults({ count: 1_000_000, config: { batch_size: 100 } })).toEqual([]);
    expect(faults({ count: 1_000_000, config: { batch_size: 99 } })).toEqual([
      '/config/batch_size limit_exceeded',
    ]);
  });

  it('must give names that the table can hold, with the highest number in them', () => {
    const pattern = `${'x'.repeat(250)}{id}`;
    const fits = { username_pattern: `${'x'.repeat(230)}{id}@example.com` };
    expect(faults({ count: 9_999, config: fits })).toEqual([]);
    expect(faults({ count: 99_999_999, config: fits })).toEqual([]);
    expect(faults({ count: 10, config: { username_pattern: pattern } })).toEqual([
      '/config/username_pattern invalid',
    ]);
  });

  it('names every fault at once', () => {
    const body = {
      count: 0,
      config: { password: 'short', email_domain: 'not a domain', more: 1 },
      extra: true,
    };
    expect(faults(body).sort()).toEqual([
      '/config/email_domain invalid_format',
      '/config/more unknown_field',
      '/config/password invalid_format',
      '/config/password too_small',
      '/count too_small',
      '/extra unknown_field',
    ]);
  });
});

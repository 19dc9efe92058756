import { createBulkUsersOperation } from './bulk-users.ts';
import { faultsOf } from './faults.ts';

/** The faults of a body, as `pointer code`. */
function faults(body: unknown): string[] {
  const parsed = createBulkUsersOperation.body.safeParse(body);
  return parsed.success ? [] : faultsOf(parsed.error, body).map(({ pointer, code }) => `${pointer} ${code}`);
}

describe('a request for bulk users', () => {
  it('needs nothing but a count', () => {
    expect(faults({ count: 1 })).toEqual([]);
    expect(faults({})).toEqual(['/count required']);
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

import { type CreationParts, faultsOfCreation, settleConfig } from './creation-config.ts';

/** The faults of a whole request, as `pointer code`. */
function faults(count: number, parts: CreationParts, maxUsers = 100_000_000): string[] {
  const config = settleConfig(parts, {});
  return faultsOfCreation({ count, config, maxUsers }).map(({ pointer, code }) => `${pointer} ${code}`);
}

describe('a configuration of bulk creation', () => {
  it('takes from the template what the request leaves out, and from the defaults what both do', () => {
    const template = { username_pattern: 'qa_{id}', user_role: 'tester', custom_attributes: { team: 1 } };
    expect(settleConfig({ user_role: 'lead' }, template)).toEqual({
      username_pattern: 'qa_{id}',
      password: 'TestPass123!',
      email_domain: 'example.com',
      user_role: 'lead',
      custom_attributes: { team: 1 },
      creation_interval_ms: 0,
      on_error: 'continue',
    });
  });

  it("moves the template's pattern to the request's domain, if it stood in the template's own", () => {
    const moved = (template: CreationParts) =>
      settleConfig({ email_domain: 'shop.test' }, template).username_pattern;
    expect(moved({})).toBe('testuser_{id}@shop.test');
    expect(moved({ username_pattern: 'a_{id}@qa.test', email_domain: 'qa.test' })).toBe('a_{id}@shop.test');
    expect(moved({ username_pattern: 'a_{id}@other.test' })).toBe('a_{id}@other.test');
    expect(moved({ username_pattern: 'a_{id}' })).toBe('a_{id}');
  });

  it('may make ten thousand chunks and no more', () => {
    expect(faults(1_000_000, { batch_size: 100 })).toEqual([]);
    expect(faults(1_000_000, { batch_size: 99 })).toEqual(['/config/batch_size limit_exceeded']);
  });

  it('names every fault of the whole at once', () => {
    expect(faults(20_000, { batch_size: 1 }, 10_000)).toEqual([
      '/count limit_exceeded',
      '/config/batch_size limit_exceeded',
    ]);
  });
});

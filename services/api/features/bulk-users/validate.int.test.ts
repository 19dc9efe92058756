import type { z } from 'zod';
import { validation } from '../../../../shared/http/config-validation.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { testJobs } from '../../../../test/fixtures/jobs.ts';

const databases = testDatabases();
const api = testApi(databases);

async function validate(json: unknown): Promise<z.output<typeof validation>> {
  const response = await api.call('POST', '/api/bulk-users/config/validate', { json });
  expect(response.status).toBe(200);
  return bodyOf(response, validation);
}
const codes = (found: { pointer: string; code: string }[]) =>
  found.map(({ pointer, code }) => `${pointer} ${code}`).sort();

describe('the validation of a configuration', () => {
  it('finds nothing wrong with a good one, and shows the first names', async () => {
    const found = await validate({ username_pattern: 'v_{id}@shop.test', password: 'Good1234', count: 3 });
    expect(found).toMatchObject({
      is_valid: true,
      errors: [],
      warnings: [],
      preview: ['v_1@shop.test', 'v_2@shop.test', 'v_3@shop.test'],
    });
    const whole = await validate({
      count: 3,
      config: { username_pattern: 'v_{id}', email_domain: 'shop.test' },
    });
    expect(codes(whole.warnings)).toEqual(['/config/password default_password']);
  });

  it.each([
    ['user_${id}@domain.com', 'wrong_placeholder', 'write user_{id}@domain.com'],
    ['user_{index}@domain.com', 'wrong_placeholder', 'write user_{id}@domain.com'],
    ['user@domain.com', 'pattern_without_id', 'write user_{id}@domain.com'],
  ])('says what to write instead of %s', async (username_pattern, code, hint) => {
    const { is_valid, errors, preview } = await validate({ username_pattern });
    expect({ is_valid, preview }).toEqual({ is_valid: false, preview: [] });
    expect(errors).toMatchObject([
      { pointer: '/username_pattern', code, detail: expect.stringContaining(hint) },
    ]);
  });

  it('names all faults at once, with the rules of creation', async () => {
    const { errors } = await validate({
      count: 20_000_000,
      template: 'none',
      config: { password: '1', batch_size: 10, email_domain: 7, colour: 'red' },
    });
    expect(codes(errors)).toEqual([
      '/config/batch_size limit_exceeded',
      '/config/colour unknown_field',
      '/config/email_domain wrong_type',
      '/config/password invalid_format',
      '/config/password too_small',
      '/count limit_exceeded',
      '/template unknown_template',
    ]);
  });

  it('finds what is too wide for the columns of the users table, with the widest value', async () => {
    const config = {
      username_pattern: `${'x'.repeat(240)}{id}`,
      email_domain: 'abc.example',
      user_role: 'r',
    };
    expect((await validate({ count: 999, config })).errors).toEqual([]);
    const { errors, preview } = await validate({ count: 1000, config });
    const widest = `${'x'.repeat(240)}1000@abc.example`;
    expect(errors).toEqual([
      {
        pointer: '/config/username_pattern',
        code: 'too_long',
        detail: `gives addresses of up to 256 characters, ${widest}, and the column "email" holds 255`,
      },
    ]);
    expect(preview).toEqual([]);
    const refused = await api.call('POST', '/api/bulk-users/create', { json: { count: 1000, config } });
    expect(await problemOf(refused)).toMatchObject({ status: 422, errors });
  });

  it('warns of what is unwise, and prices different passwords', async () => {
    await databases.application.sql`
      insert into users (username, email, password_hash) values ('w_2@test.com', 'w_2@test.com', 'x')`;
    const { is_valid, warnings, estimate } = await validate({
      count: 1_000_000,
      config: {
        username_pattern: 'w_{id}@test.com',
        password: 'Good1234',
        batch_size: 8000,
        creation_interval_ms: 3_600_000,
        distinct_passwords: 'all',
      },
    });
    expect(is_valid).toBe(true);
    expect(codes(warnings)).toEqual([
      '/config/batch_size large_chunk',
      '/config/creation_interval_ms long_pauses',
      '/config/distinct_passwords hash_price',
      '/config/password password_unused',
      '/config/username_pattern deliverable_domain',
    ]);
    expect(warnings.find(({ code }) => code === 'hash_price')?.detail).toMatch(
      /^1,000,000 distinct hashes: about \d+ (minutes|hours) on \d+ cores$/,
    );
    expect(estimate).toMatchObject({ password_hashes: 1_000_000, hash_seconds: expect.any(Number) });
    const small = await validate({ count: 10, username_pattern: 'w_{id}@test.com' });
    expect(codes(small.warnings)).toContain('/username_pattern names_taken');
    expect(codes(small.warnings)).not.toContain('/username_pattern addresses_taken');
  });

  it('warns of addresses that users of other names have', async () => {
    await databases.application.sql`
      insert into users (username, email, password_hash) values ('somebody', 'm_3@load.test', 'x')`;
    const { warnings } = await validate({ username_pattern: 'm_{id}', email_domain: 'load.test' });
    expect(warnings).toContainEqual({
      pointer: '/email_domain',
      code: 'addresses_taken',
      detail: 'gives addresses that are taken: 1, m_3@load.test for one; those users would fail',
    });
  });

  it('tells of a batch id that is taken', async () => {
    const test_batch_id = newId();
    await testJobs(api).submit('POST', '/api/bulk-users/create', { count: 1, config: { test_batch_id } });
    expect(codes((await validate({ test_batch_id })).errors)).toEqual(['/test_batch_id batch_exists']);
  });

  it('tells of a batch id whose users came by a sync and are gone, as a creation does', async () => {
    const test_batch_id = newId();
    await databases.application.sql`
      insert into muster.bulk_chunks (batch_id, chunk_index, first_id, size, status, created_count, user_keys, finished_at)
      values (${test_batch_id}, 0, 1, 1, 'done', 1, array[gen_random_uuid()::text], now())`;
    expect(codes((await validate({ test_batch_id })).errors)).toEqual(['/test_batch_id batch_exists']);
    const json = { count: 1, config: { test_batch_id } };
    const refused = await problemOf(await api.call('POST', '/api/bulk-users/create', { json }));
    expect(refused).toMatchObject({ status: 409, code: 'batch_exists' });
  });

  it.each([null, 5, 'text', [], [[]], { config: null }, { count: 'x' }, { config: { a: '\u0000' } }])(
    'answers %j with its faults',
    async body => {
      const { is_valid, errors } = await validate(body);
      expect(is_valid).toBe(false);
      expect(errors.length).toBeGreaterThan(0);
    },
  );

  it('refuses only what is no JSON', async () => {
    const response = await api.call('POST', '/api/bulk-users/config/validate', {
      body: '{"a"',
      headers: { 'Content-Type': 'application/json' },
    });
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'invalid_json' });
  });
});

import { newId } from '../../shared/kernel/ids.ts';
import { testDatabases } from '../../test/fixtures/database.ts';

const { application } = testDatabases();

/** Straight SQL: these are promises of the table, whoever writes to it. */
const insert = (columns: Record<string, unknown>) =>
  application.sql`insert into users ${application.sql({ password_hash: 'x', ...columns })} returning *`;

describe('the users table', () => {
  it('takes a plain sign-up for a production user, with a time-ordered id', async () => {
    const [row] = await insert({ username: 'plain', email: 'plain@shop.example' });
    expect(row).toMatchObject({
      role: 'user',
      custom_attributes: {},
      is_test_user: false,
      test_batch_id: null,
      created_by_bulk: false,
    });
    expect(row?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it.each([
    ['a test user without a batch', { is_test_user: true }, 'users_test_markers'],
    ['a production user in a batch', { test_batch_id: newId() }, 'users_test_markers'],
    ['an empty username', { username: '' }, 'users_username_not_empty'],
    ['an empty address', { email: '' }, 'users_email_not_empty'],
  ])('refuses %s', async (_case, columns, constraint) => {
    const row = { username: 'odd', email: 'odd@shop.example', ...columns };
    await expect(insert(row)).rejects.toMatchObject({ constraint_name: constraint });
  });

  it('finds test users through the partial indexes', async () => {
    const { sql } = application;
    await sql`insert into users (username, email, password_hash)
      select 'p' || i, 'p' || i, 'x' from generate_series(1, 5000) i`;
    await sql`insert into users (username, email, password_hash, is_test_user, test_batch_id)
      select 't' || i, 't' || i, 'x', true, ${newId()} from generate_series(1, 50) i`;
    await sql`analyze users`;
    const byMarker = await sql`explain select id from users where is_test_user`;
    expect(JSON.stringify(byMarker)).toContain('idx_users_is_test');
    const byBatch = await sql`explain select id from users where test_batch_id = ${newId()}`;
    expect(JSON.stringify(byBatch)).toContain('idx_users_test_batch');
  });
});

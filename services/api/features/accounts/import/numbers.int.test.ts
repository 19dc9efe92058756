import { importResult } from '../../../../../shared/http/accounts.ts';
import { bodyOf, testApi } from '../../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';

const databases = testDatabases();
const api = testApi(databases);

/** A user whose custom attributes have this number, as a line. */
const line = (number: string, index: number) =>
  `{"username":"u${index}","email":"u${index}@example.com","custom_attributes":{"in":[${number}]}}`;

beforeEach(async () => {
  await databases.platform.sql`delete from accounts`;
});

async function imported(lines: string[]) {
  const headers = { 'Content-Type': 'application/x-ndjson' };
  return bodyOf(
    await api.call('POST', '/api/users/import', { body: lines.join('\n'), headers }),
    importResult,
  );
}

it('numbers of lines are stored as they are written', async () => {
  const numbers = ['1.10', '12345678901234567890', '-0.0', `1.${'1'.repeat(16_383)}`, '7', '1e-400'];
  expect(await imported(numbers.map(line))).toMatchObject({ created: numbers.length, errors: [] });
  const rows = await databases.platform.sql`
    select custom_attributes::text as text from accounts order by username`;
  const stored = [...numbers.slice(0, 2), '0.0', ...numbers.slice(3, 5), `0.${'0'.repeat(399)}1`];
  expect(rows.map(({ text }) => text)).toEqual(stored.map(number => `{"in": [${number}]}`));
});

it('numbers of a document are stored as they are written, and what it says of itself is no matter of how', async () => {
  const users = ['1.10', '12345678901234567890'].map(line).join(',');
  const body = `{"total_count":2.0,"metadata":{"a":1.50},"users":[${users}]}`;
  const headers = { 'Content-Type': 'application/json' };
  const answer = await bodyOf(await api.call('POST', '/api/users/import', { body, headers }), importResult);
  expect(answer).toMatchObject({ created: 2, errors: [] });
  const rows = await databases.platform.sql`
    select custom_attributes::text as text from accounts order by username`;
  expect(rows.map(({ text }) => text)).toEqual(['{"in": [1.10]}', '{"in": [12345678901234567890]}']);
});

it('a number that PostgreSQL cannot store, or would write out by the thousand, fails its user alone', async () => {
  const refused = ['1e309', '0e99999999999', '1e-16000', `1.${'1'.repeat(16_384)}`];
  const { created, errors } = await imported(['1.0', ...refused].map(line));
  expect(created).toBe(1);
  expect(errors.map(({ username, code, pointer }) => [username, code, pointer])).toEqual([
    ['u1', 'too_big', '/custom_attributes/in/0'],
    ['u2', 'too_big', '/custom_attributes/in/0'],
    ['u3', 'too_small', '/custom_attributes/in/0'],
    ['u4', 'too_small', '/custom_attributes/in/0'],
  ]);
});

it('a number in the place of anything else is told as one', async () => {
  const { errors } = await imported([
    '{"username":"a","email":"a@example.com","custom_attributes":1.10}',
    '{"username":1.10,"email":"b@example.com"}',
    '1.10',
  ]);
  expect(errors).toMatchObject([
    { code: 'wrong_type', message: expect.stringContaining('received number') },
    { code: 'wrong_type', message: expect.stringContaining('received number') },
    { code: 'wrong_type', message: expect.stringContaining('received number') },
  ]);
});

import { testApi } from '../../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';
import { json, linesOf, ndjson, userImport, userOf } from '../../../../../test/fixtures/user-import.ts';

const databases = testDatabases();
const api = testApi(databases);
const { imported, pool } = userImport(api, databases);

describe('a user with a fault', () => {
  it('fails alone, with where and why', async () => {
    const rows: unknown[] = [
      { email: 'a@example.com' },
      userOf('long', { custom_attributes: { text: 'x'.repeat(1_000_000) } }),
      userOf('typed', { role: 7 }),
      userOf('nul\u0000'),
      userOf('twice'),
      userOf('twice', { role: 'admin' }),
      userOf('unknown', { nickname: 'x' }),
      userOf('dated', { created_at: '0000-01-01T00:00:00Z' }),
      userOf('deep', { custom_attributes: JSON.parse(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`) }),
      userOf('proto', JSON.parse('{"custom_attributes": {"__proto__": {"admin": true}}}')),
      null,
      7,
    ];
    const result = await imported(JSON.stringify({ users: rows }), json);
    expect(result).toMatchObject({ success: false, created: 1, failed_count: 11, in_sync: false });
    expect(result.errors.map(({ index, code, pointer }) => `${index} ${code} ${pointer}`)).toEqual([
      '0 required /username',
      '1 invalid /custom_attributes',
      '2 wrong_type /role',
      '3 invalid_character /username',
      '5 duplicate_username /username',
      '6 unknown_field /nickname',
      '7 invalid /created_at',
      expect.stringMatching(/^8 too_deep /),
      '9 unknown_field /custom_attributes/__proto__',
      '10 wrong_type ',
      '11 wrong_type ',
    ]);
    expect((await pool()).map(row => [row.username, row.role])).toEqual([['twice', 'user']]);
  });

  it('may be a line that is not JSON, or not UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from(`<html>\n${linesOf([userOf('a')])}\r\n{"username"\n`),
      Buffer.from([0x22, 0xff, 0x22, 10]),
      Buffer.from(JSON.stringify(userOf('b'))),
    ]);
    const result = await imported(new Uint8Array(body), ndjson);
    expect(result).toMatchObject({ created: 2, failed_count: 3 });
    expect(result.errors.map(({ index, code }) => `${index} ${code}`)).toEqual([
      '0 invalid_json',
      '3 invalid_json',
      '4 invalid_json',
    ]);
  });

  it('is listed among the first thousand, and counted with all', async () => {
    const result = await imported(linesOf(Array.from({ length: 1500 }, () => ({}))), ndjson);
    expect(result.failed_count).toBe(1500);
    expect(result.errors).toHaveLength(1000);
  });
});

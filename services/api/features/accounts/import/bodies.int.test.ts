import { gzipSync } from 'node:zlib';
import { problemOf, testApi } from '../../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';
import {
  type ImportBody,
  json,
  ndjson,
  userImport,
  usersOf,
} from '../../../../../test/fixtures/user-import.ts';

const databases = testDatabases();
const api = testApi(databases);

const { imported, pool, send } = userImport(api, databases);

describe('a body that is broken', () => {
  const document = JSON.stringify({ users: usersOf(5000) });

  it.each<[string, ImportBody, Record<string, string>, number, string]>([
    ['HTML', '<html><body>Bad gateway</body></html>', json, 400, 'invalid_json'],
    ['nothing', '{}', json, 422, 'validation_failed'],
    ['a list', '[{"username": "a"}]', json, 422, 'validation_failed'],
    ['an object of users', '{"users": {"a": {}}}', json, 422, 'validation_failed'],
    ['bad UTF-8', new Uint8Array([0x22, 0xff, 0x22]), json, 400, 'invalid_json'],
    ['two documents', '{"users": []}{"users": []}', json, 400, 'invalid_json'],
    [
      'another charset',
      '{"users": []}',
      { 'Content-Type': 'application/json; charset=utf-16' },
      415,
      'unsupported_media_type',
    ],
    ['no gzip', '{"users": []}', { ...json, 'Content-Encoding': 'gzip' }, 400, 'invalid_json'],
    ['another encoding', 'x', { ...json, 'Content-Encoding': 'lzma' }, 415, 'unsupported_media_type'],
    ['one long row', `{"username": "${'x'.repeat(3_000_000)}"}`, ndjson, 413, 'payload_too_large'],
    ['one long element', `{"users": ["${'x'.repeat(3_000_000)}"]}`, json, 413, 'payload_too_large'],
    [
      'a bomb',
      new Uint8Array(gzipSync(Buffer.alloc(10_000_000, 32))),
      { ...json, 'Content-Encoding': 'gzip' },
      413,
      'payload_too_large',
    ],
    ...['\n', ' \n', ' '].map((blank): [string, ImportBody, Record<string, string>, number, string] => [
      `a bomb of ${JSON.stringify(blank)}`,
      new Uint8Array(gzipSync(blank.repeat(10_000_000))),
      { ...ndjson, 'Content-Encoding': 'gzip' },
      413,
      'payload_too_large',
    ]),
  ])('is refused: %s', async (_, body, headers, status, code) => {
    const response = await send(body, headers);
    expect([response.status, (await problemOf(response)).code]).toEqual([status, code]);
    expect(await pool()).toEqual([]);
  });

  it.each<[string, ImportBody, Record<string, string>]>([
    ['JSON', document.slice(0, -100), json],
    ['gzip', new Uint8Array(gzipSync(document).subarray(0, -500)), { ...json, 'Content-Encoding': 'gzip' }],
  ])('keeps the users before where %s breaks off, and says how many', async (_, body, headers) => {
    const response = await send(body, headers);
    expect(response.status).toBe(400);
    const said = /The first (\d+) valid users are imported/.exec((await problemOf(response)).detail);
    const before = Number(said?.[1]);
    expect(before).toBeGreaterThanOrEqual(3000);
    expect(await imported(document, json)).toMatchObject({ created: 5000 - before, unchanged: before });
  });
});

describe('what a document says of itself', () => {
  const rows = usersOf(3);
  const many = usersOf(5000);

  it.each<[string, object, string[]]>([
    [
      'before its users',
      { colour: 'red', export_timestamp: 'now', users: rows },
      ['/export_timestamp', '/colour'],
    ],
    ['after them', { users: rows, total_count: -1, metadata: 7, x: {} }, ['/total_count', '/metadata', '/x']],
    ['without users', { people: rows, source_system: 7 }, ['/source_system', '/people', '/users']],
    ['with none', { users: [], next: null }, ['/next']],
    ['under a name of its own', JSON.parse('{"__proto__": {"users": 1}, "users": []}'), ['/__proto__']],
  ])('is refused with all its faults: %s', async (_, document, pointers) => {
    const response = await send(JSON.stringify(document), json);
    expect(response.status).toBe(422);
    const { errors, detail } = await problemOf(response);
    expect(errors?.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(detail).toContain('Nothing was imported');
    expect(await pool()).toEqual([]);
  });

  it.each<[string, string, string[]]>([
    ['twice', '{"users": [ROWS], "source_system": "a", "users": [ROWS]}', ['/users']],
    ['of which one is empty', '{"users": [ROWS], "users": []}', ['/users']],
    ['besides an unknown field', '{"colour": 1, "users": [], "users": [ROWS]}', ['/colour', '/users']],
  ])('has its users in one array, and not %s', async (_, document, pointers) => {
    const some = rows.map(row => JSON.stringify(row)).join();
    const response = await send(document.replaceAll('ROWS', some), json);
    expect(response.status).toBe(422);
    const { errors } = await problemOf(response);
    expect(errors?.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(errors?.at(-1)?.code).toBe('duplicate');
    expect(await pool()).toEqual([]);
  });

  it('comes too late to keep its users out, where these are many, and is refused all the same', async () => {
    const response = await send(JSON.stringify({ users: many, colour: 'red' }), json);
    const { detail, errors } = await problemOf(response);
    expect(detail).toMatch(/The first \d+ valid users are imported/);
    expect(errors).toEqual([{ pointer: '/colour', code: 'unknown_field', detail: 'is not known here' }]);
  });
});

import { problemOf, testApi } from '../../test/fixtures/api.ts';
import { testDatabases } from '../../test/fixtures/database.ts';

/** What the schema of a body refuses, and what only its handler can see, are told in one answer. */
const api = testApi(testDatabases(), { MAX_BULK_USERS: '5000', MAX_LOAD_USERS: '100', MAX_LOAD_RATE: '50' });

async function faultsAt(path: string, json: object): Promise<string[]> {
  const response = await api.call(path === settings ? 'PUT' : 'POST', path, { json });
  expect(response.status).toBe(422);
  const { errors = [] } = await problemOf(response);
  return errors.map(({ pointer, code }) => `${pointer} ${code}`).toSorted();
}

const settings = '/api/settings';

describe('all faults are told at once', () => {
  const create = '/api/bulk-users/create';
  const start = '/api/load-tests';
  const noTarget = '/target_url required';
  const logIn = '/api/users/sessions/bulk-login';
  const nobodys = '0198f000-0000-7000-8000-00000000ffff';
  const long = 'x'.repeat(60);

  it.each<[string, string, object, string[]]>([
    [
      'a weak password of too many users',
      create,
      { count: 5001, config: { password: 'short' } },
      ['/config/password invalid_format', '/config/password too_small', '/count limit_exceeded'],
    ],
    [
      'an unknown template, field and role of too many users',
      create,
      { count: 5001, template: 'none', colour: 'red', config: { user_role: `${long}` } },
      [
        '/colour unknown_field',
        '/config/user_role too_big',
        '/count limit_exceeded',
        '/template unknown_template',
      ],
    ],
    [
      'an unknown template of too many users',
      create,
      { count: 5001, template: 'none' },
      ['/count limit_exceeded', '/template unknown_template'],
    ],
    [
      'a count that is none',
      create,
      { count: 'x', config: { batch_size: 0 } },
      ['/config/batch_size too_small', '/count wrong_type'],
    ],
    ['no count', create, {}, ['/count required']],
    ['no object', create, [], [' wrong_type']],
    [
      'a load test of too many users with a wrong field',
      start,
      { session_name: 7, concurrent_users: 101, executor: 'ramping-vus' },
      ['/concurrent_users limit_exceeded', '/session_name wrong_type', '/stages required', noTarget],
    ],
    [
      'rules between fields, where one of the fields is wrong',
      start,
      { executor: 'none', rate: 1000, request_interval_min: 2, request_interval_max: 1, colour: 1 },
      ['/colour unknown_field', '/executor not_allowed', '/request_interval_max too_small', noTarget],
    ],
    [
      'a target that is not allowed, and too many users',
      start,
      {
        target_url: 'http://192.0.2.1/',
        concurrent_users: 101,
        duration: '10s',
        endpoints: [{ name: 'a', url: 'http://192.0.2.2/' }],
        endpoint_weights: { b: 1 },
      },
      [
        '/concurrent_users limit_exceeded',
        '/endpoint_weights/b unknown_endpoint',
        '/endpoints/0/url other_origin',
        '/target_url target_not_allowed',
      ],
    ],
    [
      'a target that is not allowed, and a field that is not known',
      start,
      { target_url: 'http://192.0.2.1/', colour: 1 },
      ['/colour unknown_field', '/target_url target_not_allowed'],
    ],
    [
      'accounts of a batch that there are none of, at a target that is not allowed',
      logIn,
      { target_url: 'http://192.0.2.1/', batch_id: nobodys },
      ['/batch_id no_accounts', '/target_url target_not_allowed'],
    ],
    [
      'no target, a batch without accounts and a wrong number',
      logIn,
      { batch_id: nobodys, concurrency: 0 },
      ['/batch_id no_accounts', '/concurrency too_small', noTarget],
    ],
    [
      'too many rows of a dataset with a wrong seed',
      '/api/datasets',
      { offices: 10_000, staffs_per_office: 1000, recipients_per_office: 0, seed: -1 },
      ['/offices limit_exceeded', '/seed too_small'],
    ],
    [
      'e-mails without a mail server, and an office that is none',
      '/api/deadline-notifications/runs',
      { channels: ['email'], office_ids: ['x'] },
      ['/channels not_configured', '/office_ids/0 invalid_format'],
    ],
    [
      'a setting above what the environment allows, and a wrong one',
      settings,
      { max_bulk_users: 5001, retention_days: -1 },
      ['/max_bulk_users limit_exceeded', '/retention_days too_small'],
    ],
    [
      'a peer that is not allowed, and a wrong field',
      '/api/bulk-users/sync',
      { target: { type: 'http', base_url: 'http://192.0.2.1', api_key: 'k' }, full: 1 },
      ['/full wrong_type', '/target/base_url target_not_allowed'],
    ],
    [
      'parts of a sync that exclude each other, and a wrong one',
      '/api/bulk-users/sync',
      {
        target: { type: 'file', name: 'x' },
        direction: 'pull',
        full: true,
        filter_criteria: { modified_since: '2026-01-01T00:00:00Z', test_users_only: false },
        confirm: 1,
      },
      [
        '/confirm wrong_type',
        '/direction not_allowed',
        '/filter_criteria/test_users_only not_allowed',
        '/full not_allowed',
      ],
    ],
    [
      'a cleanup of a batch and an age with a wrong field',
      '/api/bulk-users/lifecycle/cleanup',
      { dry_run: 1, x: 1 },
      ['/batch_id required', '/dry_run wrong_type', '/x unknown_field'],
    ],
  ])('%s', async (_, path, body, faults) => {
    expect(await faultsAt(path, body)).toEqual(faults);
  });
});

import { newApiKey } from '../../../../shared/http/api-keys.ts';
import { job } from '../../../../shared/http/jobs.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';

const databases = testDatabases();
const api = testApi(databases);
let operator: string;

beforeAll(async () => {
  const made = await api.call('POST', '/api/api-keys', { json: { name: 'ops', role: 'operator' } });
  operator = (await bodyOf(made, newApiKey)).api_key;
});

const ask = (key: string, request: object) =>
  api.call('POST', '/api/bulk-users/sync', { key, json: { target: 'load_tester', ...request } });

/** Asks for a sync that nobody works on, and ends it. */
async function submitAndCancel(key: string, request: object): Promise<string> {
  const asked = await ask(key, request);
  expect(asked.status).toBe(202);
  const { id } = await bodyOf(asked, job);
  expect((await api.call('POST', `/api/jobs/${id}/cancel`, { key: operator })).status).toBe(202);
  return id;
}

const retry = (key: string, id: string) => api.call('POST', `/api/jobs/${id}/retry`, { key });

describe('an operator', () => {
  it.each(['pull', 'bidirectional'])(
    'starts and retries no %s sync: it may delete users',
    async direction => {
      const refused = await ask(operator, { direction, full: true, confirm: true });
      expect([refused.status, (await problemOf(refused)).code]).toEqual([403, 'forbidden']);
      const id = await submitAndCancel(api.key, { direction });
      const notRetried = await retry(operator, id);
      expect([notRetried.status, (await problemOf(notRetried)).code]).toEqual([403, 'forbidden']);
      expect((await retry(api.key, id)).status).toBe(202);
      await api.call('POST', `/api/jobs/${id}/cancel`);
    },
  );

  it.each([
    ['a push', { direction: 'push' }],
    ['a dry run of a pull', { direction: 'pull', dry_run: true }],
  ])('starts and retries %s', async (_case, request) => {
    const id = await submitAndCancel(operator, request);
    expect((await retry(operator, id)).status).toBe(202);
    await api.call('POST', `/api/jobs/${id}/cancel`);
  });
});

describe('a moment from which changes count', () => {
  const since = (modified_since: string) => ({ filter_criteria: { modified_since } });

  it.each(['0001-01-01T00:00:00Z', '1900-06-01T00:00:00+09:00', '9999-12-31T23:59:59Z'])(
    'may be %s',
    async moment => {
      await submitAndCancel(api.key, since(moment));
      const json = { scope: { modified_since: moment } };
      expect((await api.call('POST', '/api/users/sync/digests', { json })).status).toBe(200);
    },
  );

  it.each(['0000-12-31T23:59:59Z', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00', '1900-06-01'])(
    'cannot be %s',
    async moment => {
      const { errors } = await problemOf(await ask(api.key, since(moment)));
      expect(errors).toMatchObject([{ pointer: '/filter_criteria/modified_since' }]);
    },
  );
});

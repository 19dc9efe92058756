import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { unsubscribePath } from '../../../shared/contracts/notification-messages/unsubscribe.ts';
import { newId } from '../../../shared/kernel/ids.ts';
import { readDocument } from '../../../test/e2e/bad-input/openapi.ts';
import { testApi } from '../../../test/fixtures/api.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';

const databases = testDatabases();
const api = testApi(databases);

async function documentedStatuses(id: string): Promise<string[]> {
  const { operations } = readDocument(await (await api.call('GET', '/api/openapi.json')).json());
  const found = operations.find(({ operationId }) => operationId === id);
  return Object.keys(found?.responses ?? {});
}

describe('the document has what is answered', () => {
  const unsubscribe = `${unsubscribePath}?token=x`;

  it.each([
    ['cleanUpBulkUsers', 'POST', '/api/bulk-users/lifecycle/cleanup', { batch_id: newId(), confirm: true }],
    ['createSnapshot', 'POST', '/api/snapshots', { name: 'x', dataset_id: newId() }],
    ['showUnsubscribe', 'GET', unsubscribe, undefined],
  ])('to %s of what is not there', async (id, method, path, json) => {
    expect((await api.call(method, path, { json })).status).toBe(404);
    expect(await documentedStatuses(id)).toContain('404');
  });

  it('to an unsubscription with a wrong token', async () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await api.call('POST', unsubscribe, { body: 'x=1', headers })).status).toBe(404);
    expect(await documentedStatuses('unsubscribe')).toContain('404');
  });

  it('to a repeated request for a key, and to messages that cannot be shown', async () => {
    const make = () =>
      api.call('POST', '/api/api-keys', {
        json: { name: 'x', role: 'viewer' },
        headers: { 'Idempotency-Key': 'once' },
      });
    expect([(await make()).status, (await make()).status]).toEqual([201, 409]);
    expect(await documentedStatuses('createApiKey')).toContain('409');
    expect(await documentedStatuses('previewNotification')).toContain('409');
  });

  it('to an Idempotency-Key: each POST takes one, or says that it ignores it', async () => {
    const { operations } = readDocument(await (await api.call('GET', '/api/openapi.json')).json());
    const takes = ({ parameters }: (typeof operations)[number]) =>
      parameters.some(({ name }) => name === 'Idempotency-Key');
    const posts = operations.filter(({ method }) => method === 'POST');
    const ignoring = posts.filter(each => !takes(each));
    expect(ignoring.map(({ operationId }) => operationId).toSorted()).toEqual([
      'emergencyStopLoadTests',
      'identifyUsers',
      'importUsers',
      'listPoolEntries',
      'readPoolDigests',
      'readPoolUsers',
      'unsubscribe',
      'validateBulkUserConfig',
    ]);
    for (const post of posts) {
      const told = JSON.stringify(post.responses['422']).includes('idempotency_key_reused');
      const ignores = post.description.includes('An `Idempotency-Key` is ignored');
      expect([post.operationId, told, ignores]).toEqual([post.operationId, takes(post), !takes(post)]);
    }
  });

  it.each([
    ['{', 'application/json', 400],
    ['x'.repeat(2_000_000), 'application/json', 413],
    ['{}', 'text/plain', 415],
    ['{"a": 1}', 'application/json', 422],
  ])('to a GET with a body: case %#', async (body, type, status) => {
    const headers = { 'X-API-Key': api.key, 'Content-Type': type, 'Content-Length': body.length };
    const sent = request(`${api.url}/api/jobs`, { method: 'GET', headers }).end(body);
    const [response]: IncomingMessage[] = await once(sent, 'response');
    response?.resume();
    expect(response?.statusCode).toBe(status);
    expect(await documentedStatuses('listJobs')).toContain(String(status));
  });
});

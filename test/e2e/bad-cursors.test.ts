import { job } from '../../shared/http/jobs.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { bodyOf, problemOf, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { insertTest } from '../fixtures/load-test.ts';
import { type DocumentedOperation, readDocument } from './bad-input/openapi.ts';

/** Every list of the API, under something that is there, is given cursors that nobody gave out. */
const databases = testDatabases();
const api = testApi(databases);
const ids = new Map<string, string>();
let lists: DocumentedOperation[];

async function submitted(path: string, json: object) {
  const response = await api.call('POST', path, { json });
  expect(response.status).toBe(202);
  return bodyOf(response, job);
}

beforeAll(async () => {
  const batchId = newId();
  const config = { test_batch_id: batchId, username_pattern: 'c_{id}@load.invalid' };
  await submitted('/api/bulk-users/create', { count: 1, config });
  const run = await submitted('/api/deadline-notifications/runs', { dry_run: true });
  ids.set('/api/bulk-users/batches/{batch_id}', batchId);
  ids.set('/api/deadline-notifications/runs/{id}', run.id);
  ids.set('/api/load-tests/{id}', (await insertTest(databases)).id);
  const { operations } = readDocument(await (await api.call('GET', '/api/openapi.json')).json());
  lists = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'cursor'));
});

function pathOf({ path }: DocumentedOperation): string {
  const [found] = [...ids].filter(([prefix]) => path.startsWith(prefix));
  return found === undefined ? path : path.replace(/\{\w+\}/, found[1]);
}

const id = newId();
/** Positions that no list gives out. */
const foreign = [null, true, [], {}, 'a\u0000', '\ud800'].map(position => JSON.stringify(position));
/** Positions that some list could give out, at least by their type. */
const doubtful = [
  ...['x'.repeat(300), '', 'a'],
  ...[2_147_483_648, -2_147_483_649, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e300, 0.5],
  ...['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '2026-02-30T00:00:00Z'].map(time => [time, id]),
  ...['a\u0000', 'a'].map(username => ({ bucket: Number.MAX_SAFE_INTEGER, username })),
  JSON.parse('{"__proto__": 1}'),
].map(position => JSON.stringify(position));

/** What is wrong with a list's answer to a cursor that is not its own; it may take one of which it cannot know that. */
async function judge(list: DocumentedOperation, position: string): Promise<string[]> {
  const cursor = Buffer.from(position).toString('base64url');
  const response = await api.call('GET', `${pathOf(list)}?cursor=${cursor}`);
  if (response.status === 200) return foreign.includes(position) ? [`${list.name} takes ${position}`] : [];
  const { code, errors } = await problemOf(response);
  const isRight = response.status === 422 && errors?.some(({ pointer }) => pointer === '?cursor');
  return isRight ? [] : [`${list.name} ${position}: ${response.status} ${code}`];
}

it('a list refuses a cursor that is none of its own, and never breaks on it', async () => {
  expect(lists.length).toBeGreaterThan(10);
  const positions = [...foreign, ...doubtful];
  const complaints = await Promise.all(lists.flatMap(list => positions.map(each => judge(list, each))));
  expect(complaints.flat()).toEqual([]);
});

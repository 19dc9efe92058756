import fc from 'fast-check';
import { newApiKey } from '../../shared/http/api-keys.ts';
import { roles } from '../../shared/http/operation.ts';
import { bodyOf, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { type Faults, isRefusedBySchema, judgeProblem, judgeStatus } from './bad-input/judge.ts';
import { type Mutation, mutationsOf } from './bad-input/mutations.ts';
import { type Api, type DocumentedOperation, readDocument } from './bad-input/openapi.ts';
import { queryTrials } from './bad-input/queries.ts';
import { sampleOf } from './bad-input/samples.ts';
import { createStateReader } from './bad-input/stored-state.ts';
import { refusals, type Trial } from './bad-input/trial.ts';

/**
 * Walks the OpenAPI document of a running API and sends each operation, field by field, what it should refuse. An
 * operation that is added later is walked without a change here. For every answer: never a 5xx; a refusal is a
 * problem, and has written nothing and enqueued nothing.
 */
const databases = testDatabases();
const server = testApi(databases, { LOGIN_ATTEMPTS_PER_MINUTE: '1000000' });
const keys = new Map<string, string>();
let api: Api;
let readState: () => Promise<string>;

beforeAll(async () => {
  api = readDocument(await (await server.call('GET', '/api/openapi.json')).json());
  readState = await createStateReader([databases.platform, databases.application]);
  for (const role of roles) {
    const made = await server.call('POST', '/api/api-keys', { json: { name: role, role } });
    keys.set(role, (await bodyOf(made, newApiKey)).api_key);
  }
  stored = await readState();
});

const json = { 'Content-Type': 'application/json' };

/** Sends one request, and what it is made of where need be; gives a line for each thing that is wrong with an answer. */
async function tryOne(operation: DocumentedOperation, trial: Trial): Promise<string[]> {
  const mayWrite = trial.statuses === undefined;
  const before = mayWrite && unverified.length >= refusalsToSendAgain ? await verifyRefusals() : [];
  const { status, complaints, faults } = await send(operation, trial);
  complaints.push(...before, ...(await judgeState(status, operation, trial)));
  for (const { pointer, ...one } of trial.alone ?? []) {
    if (!isRefusedBySchema(faults, pointer)) complaints.push(...(await tryOne(operation, one)));
  }
  return complaints;
}

interface Answer {
  status: number;
  complaints: string[];
  faults: Faults;
}

async function send(operation: DocumentedOperation, trial: Trial): Promise<Answer> {
  const response = await server.call(operation.method, trial.path ?? pathOf(operation), trial);
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
  const text = isStream ? '' : await response.text();
  if (isStream) await response.body?.cancel();
  const { complaints, faults } =
    response.status >= 400 && operation.method !== 'HEAD'
      ? judgeProblem(response, text, trial.pointers)
      : { complaints: [], faults: [] };
  const shown = `${operation.name}: ${trial.label}`;
  return {
    status: response.status,
    faults,
    complaints: [...judgeStatus(response.status, trial.statuses, operation), ...complaints].map(
      complaint => `${shown}: ${complaint}: ${text.slice(0, 300)}`,
    ),
  };
}

/** What is stored, as of the last look, and the refusals since then, of which none may have written anything. */
let stored = '';
const unverified: { operation: DocumentedOperation; trial: Trial }[] = [];
/** Looking costs more than asking: a look is for so many refusals. */
const refusalsALook = 100;
/** What may write hides them: a look before it costs less than to send so many again. */
const refusalsToSendAgain = 20;

async function judgeState(status: number, operation: DocumentedOperation, trial: Trial): Promise<string[]> {
  if (status >= 400) {
    unverified.push({ operation, trial });
    return unverified.length < refusalsALook ? [] : verifyRefusals();
  }
  stored = await readState(); // which hides what the refusals before it may have written: they are sent again
  for (const refused of unverified) await send(refused.operation, refused.trial);
  return unverified.length > 0 ? verifyRefusals() : [];
}

async function verifyRefusals(): Promise<string[]> {
  const before = stored;
  stored = await readState();
  const labels = unverified.splice(0).map(refused => `${refused.operation.name}: ${refused.trial.label}`);
  return stored === before ? [] : [`one of these was refused and wrote something: ${labels.join(', ')}`];
}

/** The operation's path, where no such thing is. */
const pathOf = ({ path, parameters }: DocumentedOperation): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const schema =
      parameters.find(parameter => parameter.in === 'path' && parameter.name === name)?.schema ?? {};
    return encodeURIComponent(String(sampleOf(api, schema)));
  });

/** Runs the trials of all operations, one after the other; all complaints must be none. */
async function trials(plan: (operation: DocumentedOperation) => Trial[]): Promise<void> {
  const complaints: string[] = [];
  let tried = 0;
  for (const operation of api.operations) {
    for (const trial of plan(operation)) {
      tried += 1;
      complaints.push(...(await tryOne(operation, trial)));
    }
  }
  complaints.push(...(await verifyRefusals()));
  expect(complaints).toEqual([]);
  expect(tried).toBeGreaterThan(0);
}

const takesJson = ({ bodySchema }: DocumentedOperation) => bodySchema !== undefined;
const writes = ({ method }: DocumentedOperation) => method !== 'GET';

describe('every operation of the API', () => {
  it('refuses callers without a valid key or below its role', async () => {
    await trials(operation => {
      const needed = operation['x-required-role'];
      if (needed === 'open') return [];
      const below = roles.slice(0, roles.indexOf(needed));
      return [
        { label: 'no key', key: null, statuses: [401] },
        { label: 'a wrong key', key: 'wrong', statuses: [401] },
        { label: 'a key with SQL', key: "' or 1=1 --", statuses: [401] },
        ...below.map(role => ({ label: role, key: keys.get(role) ?? null, statuses: [403] })),
      ];
    });
  });

  it('survives every bad value in every field of its body', async () => {
    await trials(operation => {
      const { bodySchema, 'x-any-body': isAny } = operation;
      if (bodySchema === undefined) return [];
      const toTrial = ({ label, body, due, pointers, alone = [] }: Mutation): Trial => ({
        label,
        body,
        headers: json,
        ...(due === 'refuse' && !isAny && { statuses: refusals }),
        pointers,
        alone: alone.map(one => ({ ...toTrial(one), pointer: one.pointer })),
      });
      return mutationsOf(api, bodySchema).map(toTrial);
    });
  }, 180_000);

  it('survives any JSON at all', async () => {
    for (const operation of api.operations.filter(takesJson)) {
      await fc.assert(
        fc.asyncProperty(fc.json({ maxDepth: 6 }), async body => {
          expect(await tryOne(operation, { label: 'random', body, headers: json })).toEqual([]);
        }),
        { numRuns: 10 },
      );
    }
  }, 120_000);

  it('refuses a body in another content type, broken, too large or where none is taken', async () => {
    await trials(operation => {
      if (!writes(operation)) return [];
      const isRaw = operation.requestBody !== undefined && !takesJson(operation);
      const taken = Object.keys(operation.requestBody?.content ?? {});
      const large = { label: '10 MB', body: `{"a": "${'x'.repeat(10_000_000)}"}`, headers: json };
      const types = [
        'text/plain',
        'application/xml',
        'multipart/form-data; boundary=x',
        'application/json; charset=x',
      ];
      return [
        ...types
          .filter(type => !isRaw || !taken.includes(type.replace(/;.*/, '')))
          .map(type => ({
            label: type,
            body: '{}',
            headers: { 'Content-Type': type },
            statuses: [415],
          })),
        { label: 'no type', body: new Uint8Array([123, 125]), statuses: [415] },
        ...(isRaw ? [] : [{ ...large, statuses: [413] }]),
        { label: 'broken JSON', body: '{"a"', headers: json, statuses: isRaw ? refusals : [400] },
        { label: 'bad UTF-8', body: new Uint8Array([0x22, 0xff, 0x22]), headers: json, statuses: refusals },
        ...(operation.requestBody === undefined
          ? [{ label: 'an unasked body', json: { a: 1 }, statuses: [422], pointers: ['/a'] }]
          : []),
      ];
    });
  }, 60_000);

  it('has nothing under a path that is no id', async () => {
    const bad = [
      '0',
      '-1',
      'null',
      '%00',
      '%ff',
      '%F0%9F%A6%84',
      '..%2f..%2fetc',
      "'%20or%201=1--",
      '%3Cscript%3E',
    ];
    await trials(({ path }) =>
      path.includes('{')
        ? [...bad, 'x'.repeat(2000), '00000000-0000-0000-0000-000000000000'].map(id => ({
            label: id.slice(0, 40),
            path: path.replaceAll(/\{\w+\}/g, id),
            statuses: [404, 409, 422],
          }))
        : [],
    );
  });

  it('survives every bad value in every query parameter', async () => {
    await trials(operation => queryTrials(operation, pathOf(operation)));
  }, 60_000);

  it('refuses an Idempotency-Key that is none', async () => {
    await trials(operation =>
      operation.parameters.some(({ name }) => name === 'Idempotency-Key')
        ? ['x'.repeat(256), 'a b', '\u00e9'].map(key => ({
            label: `key ${key.slice(0, 20)}`,
            headers: { 'Idempotency-Key': key, ...json },
            body: JSON.stringify(operation.bodySchema ? sampleOf(api, operation.bodySchema) : {}),
            statuses: refusals,
          }))
        : [],
    );
  });
});

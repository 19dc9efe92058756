import { testDatabases } from '../../../test/fixtures/database.ts';
import { insertTest } from '../../../test/fixtures/load-test.ts';
import {
  appendLoadEvents,
  countLoadEvents,
  type NewLoadEvent,
  readLoadEvents,
  readMainLoadEvents,
} from './load-events.ts';
import { listLoadErrors, readTimeline, saveLoadErrors } from './load-results.ts';
import { changeControl, findLoadTest, listLoadTests, requestStop } from './load-tests.ts';
import { silenceOf } from './shard-silence.ts';

const databases = testDatabases();
const db = () => databases.platform.db;

const messagesOf = async (testId: string) =>
  (await readLoadEvents(db(), { testId, limit: 100 })).map(({ event }) => event.message);

describe('the control of a load test', () => {
  it('changes what is named, and says who changed what from what', async () => {
    const { id } = await insertTest(databases);
    const patch = { concurrent_users: 20, endpoint_weights: { home: 3 }, paused: true };
    const changed = await db().transaction(tx => changeControl(tx, id, patch, 'ada'));
    expect(changed?.controlVersion).toBe(1);
    expect(changed?.control).toMatchObject({ concurrent_users: 20, paused: true, load_factor: 1 });
    const [{ event } = { event: undefined }] = await readLoadEvents(db(), { testId: id, limit: 10 });
    expect(event).toEqual({
      type: 'control',
      message: 'paused false → true, concurrent_users as planned → 20, weight of home 1 → 3',
      actor: 'ada',
      shard: null,
      second: null,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
  });

  it('that changes nothing leaves the version and the log alone', async () => {
    const { id } = await insertTest(databases);
    const same = await db().transaction(tx => changeControl(tx, id, { paused: false }, 'ada'));
    expect(same?.controlVersion).toBe(0);
    expect(await messagesOf(id)).toEqual([]);
  });

  it('does not change once the test has ended', async () => {
    const { id } = await insertTest(databases);
    await databases.platform.sql`update load_tests set finished_at = now() where id = ${id}`;
    expect(await db().transaction(tx => changeControl(tx, id, { paused: true }, 'ada'))).toBeUndefined();
  });
});

describe('a stop', () => {
  const stop = (mode: 'graceful' | 'emergency', id?: string) =>
    db().transaction(tx => requestStop(tx, { ...(id !== undefined && { id }), mode, actor: 'ada' }));

  it('of everything names every active test, and is not softened afterwards', async () => {
    await databases.platform.sql`update load_tests set finished_at = now()`;
    const { id: first } = await insertTest(databases);
    const { id: second } = await insertTest(databases);
    expect(await stop('graceful', first)).toEqual([first]);
    expect(await stop('emergency')).toEqual([first, second]);
    expect(await stop('graceful', first)).toEqual([first]);
    const row = await findLoadTest(db(), first);
    expect(row?.control.stop).toBe('emergency');
    expect(row?.controlVersion).toBe(2);
    expect(await messagesOf(first)).toEqual(['stop', 'emergency stop']);
  });

  it('of a test that does not exist names none', async () => {
    expect(await stop('graceful', '01900000-0000-7000-8000-000000000000')).toEqual([]);
  });
});

describe('the log of a load test', () => {
  it('keeps the order in which events were given, and is read on from an id', async () => {
    const { id } = await insertTest(databases);
    await databases.platform.sql`update load_tests set start_at = now() where id = ${id}`;
    await appendLoadEvents(db(), id, [
      { type: 'breaker_opened', message: 'open', atMs: 1500, shard: 1 },
      { type: 'breaker_closed', message: 'closed', atMs: 2500, shard: 1 },
    ]);
    const events = await readLoadEvents(db(), { testId: id, limit: 10 });
    expect(events.map(({ event }) => [event.message, event.second, event.shard])).toEqual([
      ['open', 1.5, 1],
      ['closed', 2.5, 1],
    ]);
    expect(await readLoadEvents(db(), { testId: id, afterId: events[1]?.id, limit: 10 })).toEqual([]);
  });
});

it('of many events, those of breakers give way to all others, and all are counted', async () => {
  const { id } = await insertTest(databases);
  const breaker: NewLoadEvent[] = Array.from({ length: 20 }, (_, index) => ({
    type: 'breaker_opened',
    message: `open ${index}`,
  }));
  const others = [
    silenceOf('ada', 0),
    { type: 'shard_lost', message: 'bob hands over' },
    { type: 'generator_saturated', message: 'at 0.95' },
  ] satisfies NewLoadEvent[];
  await appendLoadEvents(db(), id, [...breaker, ...others]);
  expect(await countLoadEvents(db(), id)).toEqual({ all: 23, silences: 1, saturations: 1 });
  const main = await readMainLoadEvents(db(), { testId: id, limit: 5 });
  expect(main.map(({ message }) => message)).toEqual([
    'open 0',
    'open 1',
    ...others.map(({ message }) => message),
  ]);
  expect(main.map(({ silent }) => silent)).toEqual([undefined, undefined, true, undefined, undefined]);
});

it('lists give the newest tests first, and the rest from the last one seen', async () => {
  const older = await insertTest(databases);
  const newer = await insertTest(databases);
  const page = await listLoadTests(db(), { limit: 2 });
  expect(page.map(({ id }) => id)).toEqual([newer.id, older.id]);
  const [next] = await listLoadTests(db(), { limit: 1, before: newer.id });
  expect(next?.id).toBe(older.id);
  const active = await listLoadTests(db(), { limit: 100, active: true, status: 'queued' });
  expect(active.map(({ id }) => id)).toContain(older.id);
});

it('error samples are kept of each kind of each endpoint, whatever was there first', async () => {
  const { id } = await insertTest(databases);
  const sample = { shard: 0, status: null, message: 'gone', username: 'ann' };
  const missing = Array.from({ length: 15 }, (_, atMs) => ({
    ...sample,
    atMs,
    endpoint: 'home',
    kind: 'http_4xx',
  }));
  await saveLoadErrors(db(), id, missing);
  await saveLoadErrors(db(), id, [...missing, { ...sample, atMs: 99, endpoint: 'home', kind: 'timeout' }]);
  await saveLoadErrors(db(), id, [...missing, { ...sample, atMs: 100, endpoint: 'cart', kind: 'http_4xx' }]);
  const kept = await listLoadErrors(db(), { testId: id, limit: 100 });
  expect(kept.map(({ endpoint, kind, atMs }) => `${endpoint} ${kind} ${atMs}`)).toEqual([
    ...[...missing, ...missing.slice(0, 5)].map(({ atMs }) => `home http_4xx ${atMs}`),
    'home timeout 99',
    'cart http_4xx 100',
  ]);
  expect(kept[0]).toMatchObject({ ...sample, endpoint: 'home', kind: 'http_4xx', loadTestId: id });
});

it('error samples are paged by id', async () => {
  const { id } = await insertTest(databases);
  const sample = { shard: 0, endpoint: 'home', kind: 'http_5xx', status: 500, username: null };
  await saveLoadErrors(db(), id, [
    { ...sample, atMs: 1, message: 'a' },
    { ...sample, atMs: 2, message: 'b' },
  ]);
  const [first] = await listLoadErrors(db(), { testId: id, limit: 1 });
  const rest = await listLoadErrors(db(), { testId: id, afterId: first?.id, limit: 10 });
  expect([first?.message, ...rest.map(({ message }) => message)]).toEqual(['a', 'b']);
  expect(await readTimeline(db(), { testId: id, limit: 10 })).toEqual([]);
});

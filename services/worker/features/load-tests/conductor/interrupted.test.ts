import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import pino from 'pino';
import { createSendCounter, openSendJournal } from '../send-journal.ts';
import { countInterrupted, sumOrNull } from './interrupted.ts';
import type { LeaseTally } from './tally.ts';

const testId = 'a-test';
let folder: string;
let logged: { epoch: number; reason: string }[];
const logger = pino({ level: 'warn' }, { write: line => logged.push(JSON.parse(line)) });
beforeEach(async () => {
  logged = [];
  folder = await mkdtemp(join(tmpdir(), 'muster-journals-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Under this lease a worker sends so many requests. */
async function send(requests: number, epoch: number): Promise<void> {
  const journal = openSendJournal(folder, { testId, run: 0, shard: 0, epoch });
  const note = createSendCounter(journal.fd, error => expect(error).toBeUndefined());
  for (let sent = 0; sent < requests; sent++) note();
  await setImmediate();
  journal.close();
}

/** Of a shard of which this was told, lease by lease. */
async function interrupted(...leases: (LeaseTally | undefined)[]): Promise<number | null | undefined> {
  const leaseOf = (_shard: number, epoch: number) => leases[epoch - 1];
  const [of] = await countInterrupted(
    { sendJournals: folder, logger },
    { testId, run: 0 },
    [{ shard: 0, epoch: leases.length }],
    { leaseOf },
  );
  return of?.interrupted;
}

const ended = (underWay: number): LeaseTally => ({ started: 100, underWay, isComplete: true });
const died = (started: number, underWay: number): LeaseTally => ({ started, underWay, isComplete: false });

describe('the requests that were sent and not counted', () => {
  it('are those that a stop cut off, as the engine has told last', async () => {
    expect(await interrupted(ended(3))).toBe(3);
  });

  it('are those that a worker sent after its last word, with those that were under way by then', async () => {
    await send(110, 1);
    expect(await interrupted(died(100, 4))).toBe(14);
  });

  it('are all that it sent, when it died without a word', async () => {
    await send(7, 1);
    expect(await interrupted(undefined)).toBe(7);
  });

  it('add up over the leases of a shard', async () => {
    await send(110, 1);
    await send(20, 2);
    expect(await interrupted(died(100, 0), died(20, 2), ended(1))).toBe(13);
  });

  it('are not known when the file of a dead worker is elsewhere, or tells of less than the worker did', async () => {
    expect(await interrupted(died(100, 0), ended(0))).toBeNull();
    await send(99, 1);
    expect(await interrupted(died(100, 0))).toBeNull();
    expect(logged).toEqual([]);
  });

  it('are not known when the file cannot be read, and the log says why', async () => {
    await send(110, 1);
    await truncate(join(folder, testId, '0.0.1'));
    expect(await interrupted(died(100, 0))).toBeNull();
    expect(logged).toMatchObject([{ epoch: 1, reason: expect.stringContaining('is not whole') }]);
  });

  it('are none of a shard that nobody took', async () => {
    expect(await interrupted()).toBe(0);
  });
});

it('a sum with something unknown in it is unknown', () => {
  expect(sumOrNull([])).toBe(0);
  expect(sumOrNull([1, 2])).toBe(3);
  expect(sumOrNull([1, null, 2])).toBeNull();
});

import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { newId } from '../../../../shared/kernel/ids.ts';
import {
  createSendCounter,
  listJournaledTests,
  openSendJournal,
  readSendJournal,
  removeSendJournals,
} from './send-journal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-journals-'));
});
afterEach(() => rm(folder, { recursive: true }));

const lease = { testId: newId(), run: 0, shard: 1, epoch: 2 };
const pathOf = ({ testId, run, shard, epoch }: typeof lease) =>
  join(folder, testId, `${run}.${shard}.${epoch}`);
const read = () => readSendJournal(folder, lease);
const unexpected = (error: unknown) => expect(error).toBeUndefined();

describe('a journal of what was sent', () => {
  it('has the first requests of a turn of the event loop at once, and the others at its end', async () => {
    const journal = openSendJournal(folder, lease);
    expect(await read()).toBe(0);
    const note = createSendCounter(journal.fd, unexpected);
    const inMiddleOfTurn = () => readFileSync(pathOf(lease)).readDoubleLE();
    note();
    expect(inMiddleOfTurn()).toBe(1);
    for (let sent = 1; sent < 50; sent++) note();
    expect(inMiddleOfTurn()).toBe(4);
    await setImmediate();
    expect(await read()).toBe(50);
    note();
    expect(inMiddleOfTurn()).toBe(51);
    journal.close();
    expect(await read()).toBe(51);
  });

  it('begins at nothing when the lease is given again, whoever still writes to the old one', async () => {
    const old = openSendJournal(folder, lease);
    const noteOld = createSendCounter(old.fd, unexpected);
    noteOld();
    const journal = openSendJournal(folder, lease);
    await setImmediate();
    noteOld();
    expect(await read()).toBe(0);
    old.close();
    journal.close();
  });

  it('is apart from that of another run of the test', async () => {
    const journal = openSendJournal(folder, { ...lease, run: 1 });
    createSendCounter(journal.fd, unexpected)();
    openSendJournal(folder, lease).close(); // of a worker that wakes up
    expect(await readSendJournal(folder, { ...lease, run: 1 })).toBe(1);
    expect(await read()).toBe(0);
    await setImmediate();
    journal.close();
  });

  it('keeps no load from being sent where the disk is full, and tells it once', async () => {
    const full = openSync('/dev/full', 'w');
    const told: unknown[] = [];
    const note = createSendCounter(full, error => told.push(error));
    for (let sent = 0; sent < 3; sent++) expect(note).not.toThrow();
    await setImmediate();
    closeSync(full);
    expect(told).toMatchObject([{ code: 'ENOSPC' }]);
  });

  it('is unknown where there is none', async () => {
    expect(await readSendJournal(join(folder, 'elsewhere'), lease)).toBeUndefined();
  });

  it('says why it cannot be read', async () => {
    openSendJournal(folder, lease).close();
    await writeFile(pathOf(lease), 'half');
    await expect(read()).rejects.toThrow('0.1.2 is not whole');
    await rm(pathOf(lease));
    await mkdir(pathOf(lease));
    await expect(read()).rejects.toThrow('EISDIR');
  });

  it('goes with its test', async () => {
    expect(await listJournaledTests(join(folder, 'elsewhere'))).toEqual([]);
    openSendJournal(folder, lease).close();
    const another = { ...lease, testId: newId() };
    openSendJournal(folder, another).close();
    await mkdir(join(folder, 'lost+found')); // as of a disk of its own
    await removeSendJournals(folder, lease.testId);
    await removeSendJournals(folder, newId());
    expect(await listJournaledTests(folder)).toEqual([another.testId]);
  });
});

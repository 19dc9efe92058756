import { createJobWriter } from './job-writer.ts';

/** A notebook that notes what it is told, and how many write at once. */
function notebook(write: () => Promise<void> = async () => {}) {
  const written: unknown[] = [];
  let writing = 0;
  let most = 0;
  const note = async (value: unknown) => {
    writing += 1;
    most = Math.max(most, writing);
    await write();
    written.push(value);
    writing -= 1;
  };
  return { written, most: () => most, updateProgress: note, log: note };
}

const progress = (done: number) => ({ phase: 'work', done, total: 100 });
const onError = (error: unknown) => {
  throw error;
};

test('of many reports at once the first and the last are written', async () => {
  const book = notebook();
  const writer = createJobWriter(book, { onError });
  for (let done = 1; done <= 100; done += 1) writer.report(progress(done));
  await writer.flush(1000);
  expect(book.written).toEqual([progress(1), progress(100)]);
});

test('later reports follow by themselves', async () => {
  const book = notebook();
  const last = Promise.withResolvers<void>();
  const writer = createJobWriter(
    {
      ...book,
      updateProgress: async value => {
        await book.updateProgress(value);
        if (book.written.length === 2) last.resolve();
      },
    },
    { intervalMs: 5, onError },
  );
  writer.report(progress(1));
  writer.report(progress(2));
  await last.promise;
  expect(book.written).toEqual([progress(1), progress(2)]);
  await writer.flush(1000);
});

test('lines are written one after the other, without null characters', async () => {
  const book = notebook(() => new Promise(resolve => setImmediate(resolve)));
  const writer = createJobWriter(book, { onError });
  for (const line of ['one', 'two\u0000', 'three']) writer.log(line);
  await writer.flush(1000);
  expect(book.written).toEqual(['one', 'two\uFFFD', 'three']);
  expect(book.most()).toBe(1);
});

test('a write that fails is told, and the next ones are still made', async () => {
  const errors: unknown[] = [];
  let calls = 0;
  const book = notebook(async () => {
    calls += 1;
    if (calls === 1) throw new Error('away');
  });
  const writer = createJobWriter(book, { onError: error => errors.push(error) });
  writer.log('lost');
  writer.log('kept');
  await writer.flush(1000);
  expect(errors).toEqual([new Error('away')]);
  expect(book.written).toEqual(['kept']);
});

test('a write that hangs does not hold up the end of a job', async () => {
  const book = notebook(() => Promise.withResolvers<void>().promise);
  const writer = createJobWriter(book, { onError });
  writer.log('never written');
  await writer.flush(10);
  expect(book.written).toEqual([]);
});

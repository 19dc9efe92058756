import { planFor, startEngine, type WatchedEngine } from '../../../../../test/fixtures/load-engine.ts';
import { startTarget } from '../../../../../test/fixtures/load-target.ts';

const account = (token: string) => ({ username: 'ada', headers: { authorization: token } });

/** One user of a target that knows the session `good`; `answers` are what it gets, one each time that it asks. */
async function untilKnown(answers: (string | undefined)[], renewalPauseMs: number): Promise<WatchedEngine> {
  const target = await startTarget((request, response) => {
    response.writeHead(request.headers.authorization === 'good' ? 200 : 401).end();
  });
  const executor = { type: 'constant-vus', vus: 1, durationMs: 20_000 } as const;
  const left = [...answers];
  const watched = startEngine(planFor(target.origin, { executor }), {
    accounts: [account('old')],
    renewalPauseMs,
    onUnauthorized(position) {
      if (left.length === 0) throw new Error('The user asks once more');
      const token = left.shift();
      setImmediate(() =>
        watched.engine.setAccount(position, token === undefined ? undefined : account(token)),
      );
    },
  });
  const statuses = () => watched.all().statuses;
  const last = answers.at(-1);
  await watched.until('it is known', () => (statuses()[last === 'good' ? 200 : 401] ?? 0) > 10);
  watched.engine.abort();
  await watched.end();
  await target.stop();
  expect(left).toEqual([]);
  return watched;
}

describe('a user whose session is refused', () => {
  it('sends the request again with a new one, and the 401 is no failure', async () => {
    const { all } = await untilKnown(['good'], 60_000);
    expect(all()).toMatchObject({ failed: 0, statuses: { 401: 1 } });
  });

  it.each([
    ['was none', undefined],
    ['is refused too', 'bad'],
  ])('asks again after a pause when its new one %s', async (_which, first) => {
    const { all } = await untilKnown([first, 'good'], 50);
    const { failed, errors, statuses } = all();
    expect(failed).toBe((statuses[401] ?? 0) - (first ? 2 : 1)); // the first one each time, and what the pause held back
    expect(errors.http_4xx ?? 0).toBe(failed);
  });

  it('asks no more before the pause is over', async () => {
    await untilKnown([undefined], 60_000);
  });
});

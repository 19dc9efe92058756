import { type LoadTarget, startTarget } from '../../../test/fixtures/load-target.ts';
import { parseAllowlist } from '../../kernel/allowlist.ts';
import { createLoginClient, isLoggedIn, type LoginClient } from './login-client.ts';
import { createLoginLane } from './login-lane.ts';
import type { LoginScript } from './login-request.ts';

const script: LoginScript = {
  method: 'POST',
  path: '/login',
  content_type: 'json',
  body: { username: '{username}', password: '{password}' },
  session: { type: 'cookie' },
};
const people = ['ann', 'ben', 'cyd', 'dee', 'eve'].map(username => ({ username, password: 'secret' }));
/** Timers may be early by less than this. */
const timerMs = 2;

let target: LoadTarget;
let client: LoginClient;
beforeEach(async () => {
  target = await startTarget((_request, response) => void response.setHeader('set-cookie', 'sid=1').end());
  client = createLoginClient({ ...parseAllowlist(['127.0.0.0/8']), connections: 5 });
});
afterEach(async () => {
  await client.stop();
  await target.stop();
});

it('logins go no faster than the rate, each in its turn, however many wait', async () => {
  const tries: number[] = [];
  const watched: Pick<LoginClient, 'logIn'> = {
    logIn(...call) {
      tries.push(performance.now() - begunAt);
      return client.logIn(...call);
    },
  };
  const lane = createLoginLane({ client: watched, origin: target.origin, script, ratePerSecond: 10 });
  const begunAt = performance.now();
  const outcomes = await Promise.all(people.map(person => lane.logIn(person)));
  expect(outcomes.every(isLoggedIn)).toBe(true);
  const early = tries.filter((ms, index) => ms < index * 100 - timerMs);
  expect({ tries: tries.length, early }).toEqual({ tries: people.length, early: [] });
});

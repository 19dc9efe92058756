import type { RequestListener } from 'node:http';
import { startTarget } from '../../../test/fixtures/load-target.ts';
import { parseAllowlist } from '../../kernel/allowlist.ts';
import { createLoginClient } from './login-client.ts';
import type { LoginScript } from './login-request.ts';

const script: LoginScript = {
  method: 'POST',
  path: '/login',
  content_type: 'json',
  body: { username: '{username}', password: '{password}' },
  session: { type: 'cookie' },
};

/** Logs in once at a target that answers so. */
async function logInAt(answer: RequestListener) {
  const target = await startTarget(answer);
  const client = createLoginClient({ ...parseAllowlist(['127.0.0.0/8']), connections: 1 });
  const outcome = await client.logIn(target.origin, script, { username: 'ada', password: 'secret' });
  await client.stop();
  await target.stop();
  return outcome;
}

/** As it stands in a header of whoever does not escape it. */
const unescaped = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

it.each([
  ['UTF-8', unescaped('/welcome/商品?q=café'), '/welcome/%E5%95%86%E5%93%81?q=caf%C3%A9'],
  ['Latin-1', '/caf\xe9', '/caf%C3%A9'],
  ['ASCII', '/a%20b', '/a%20b'],
])('a login follows a redirect to a path in %s', async (_charset, location, path) => {
  const seen: (string | undefined)[] = [];
  const outcome = await logInAt((request, response) => {
    seen.push(request.url);
    if (request.url === '/login') response.writeHead(302, { location }).end();
    else response.setHeader('set-cookie', 'sid=1').end();
  });
  expect(seen).toEqual(['/login', path]);
  expect(outcome).toMatchObject({ headers: { cookie: 'sid=1' } });
});

it.each(['0', '-1'])('a cookie with Expires=%s is a session without a known end', async expires => {
  const outcome = await logInAt((_request, response) => {
    response.setHeader('set-cookie', [`sid=1; Expires=${expires}`, 'old=; Max-Age=0']).end();
  });
  expect(outcome).toMatchObject({ headers: { cookie: 'sid=1' }, expiresAt: null });
});

it('a session of several cookies is over with the first of them', async () => {
  const outcome = await logInAt((_request, response) => {
    response
      .setHeader('set-cookie', [
        'sid=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT',
        'csrf=2; Expires=Friday, 01-Jan-2098 00:00:00 GMT',
        'theme=dark',
      ])
      .end();
  });
  expect(outcome).toMatchObject({ expiresAt: new Date('2098-01-01T00:00:00Z') });
});

import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:net';
import { Agent, request } from 'undici';
import { parsePushAllowlist } from '../../../../../shared/kernel/push-allowlist.ts';
import { createPushConnector } from './push-connector.ts';

const closed = createServer();
let port = 0;
let connections = 0;

beforeAll(async () => {
  closed.on('connection', socket => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve));
  const address = closed.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => new Promise(resolve => closed.close(resolve)));

/** Why a push to `https://push.test` fails when the name resolves to these addresses. */
async function failureWith(...addresses: LookupAddress[]): Promise<unknown> {
  const { allowlist } = parsePushAllowlist([]);
  const connect = createPushConnector(allowlist, 1000, (_host, _options, done) => done(null, addresses));
  const agent = new Agent({ connect });
  const sent = request(`https://push.test:${port}/p`, { dispatcher: agent, method: 'POST', body: 'x' });
  return sent
    .then(
      () => undefined,
      (error: unknown) => error,
    )
    .finally(() => agent.destroy());
}

it.each([
  [[{ address: '127.0.0.1', family: 4 }], '127.0.0.1'],
  [[{ address: '::1', family: 6 }], '::1'],
  [
    [
      { address: '8.8.8.8', family: 4 },
      { address: '169.254.169.254', family: 4 },
    ],
    '169.254.169.254',
  ],
])('a name of a push service is refused by what it resolves to: %j', async (addresses, address) => {
  expect(await failureWith(...addresses)).toMatchObject({
    code: 'ERR_TARGET_NOT_ALLOWED',
    message: `push.test resolves to ${address}, which is not in the list of allowed targets`,
  });
  expect(connections).toBe(0);
});

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { startTarget } from '../../../test/fixtures/load-target.ts';
import { parseAllowlist } from '../../kernel/allowlist.ts';
import { createGuardedConnector } from './connect-guard.ts';

const bytesOfBody = 1_500_000;
const bodyOf = (path: string): Buffer => Buffer.alloc(bytesOfBody, `${path} `);
const digestOf = (body: Buffer): string => createHash('sha256').update(body).digest('hex');

/** Reads with pauses, so that what came meanwhile waits in the connection, and the target waits for it. */
async function readSlowly(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of body) {
    pieces.push(piece);
    if (pieces.length % 4 === 0) await sleep(1);
  }
  return Buffer.concat(pieces);
}

describe('what is read from many connections at once', () => {
  it.each(['127.0.0.1', 'localhost'])(
    'is for each what its target sent, to the byte, from %s',
    async host => {
      const target = await startTarget((message, response) => response.end(bodyOf(message.url ?? '')));
      const { allowlist } = parseAllowlist([host]);
      const agent = new Agent({ connect: createGuardedConnector(allowlist, 5000) });
      const origin = `http://${host}:${target.port}`;
      const paths = Array.from({ length: 12 }, (_, index) => `/${index}`);
      try {
        const digests = await Promise.all(
          paths.map(async path => {
            const { body } = await request(origin + path, { dispatcher: agent });
            return digestOf(await readSlowly(body));
          }),
        );
        expect(digests).toEqual(paths.map(path => digestOf(bodyOf(path))));
        expect(target.connections).toBe(paths.length);
      } finally {
        await agent.destroy();
        await target.stop();
      }
    },
  );
});

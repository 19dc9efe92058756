import type { Request } from 'express';
import { stream } from '../../route.ts';
import { compressed } from './compress.ts';

const accepting = (encoding: string) => ({ acceptsEncodings: () => encoding }) as unknown as Request;

it.each(['zstd', 'gzip', 'identity'])('ends the source when a reader of %s goes away', async encoding => {
  const { promise: closed, resolve: close } = Promise.withResolvers<string>();
  async function* source() {
    try {
      for (;;) yield `${Math.random()}`.repeat(10_000);
    } finally {
      close('closed');
    }
  }
  const reply = compressed(accepting(encoding), stream('text/plain', source()));
  for await (const piece of reply.stream) {
    expect(piece.length).toBeGreaterThan(0);
    break;
  }
  expect(await closed).toBe('closed');
});

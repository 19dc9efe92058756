import fc from 'fast-check';
import { parseEventStream, type ServerSentEvent } from './event-stream.ts';

async function* inPieces(bytes: Uint8Array, cuts: number[]): AsyncGenerator<Uint8Array> {
  const ends = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

async function parse(text: string, cuts: number[] = []): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of parseEventStream(inPieces(new TextEncoder().encode(text), cuts)))
    events.push(event);
  return events;
}

describe('an event stream', () => {
  it('gives id, name and data of each event, and drops comments', async () => {
    const text =
      'retry: 1000\n\n: still here\n\nid: 7\nevent: progress\ndata: {"a":1}\n\ndata: x\ndata: y\n\n';
    expect(await parse(text)).toEqual([
      { id: '7', event: 'progress', data: '{"a":1}' },
      { id: '7', event: 'message', data: 'x\ny' },
    ]);
  });

  it('never gives an event that was cut off', async () => {
    expect(await parse('id: 1\ndata: whole\n\nid: 2\ndata: half')).toEqual([
      { id: '1', event: 'message', data: 'whole' },
    ]);
  });

  it('reads the same wherever the chunks end, within characters and line ends too', async () => {
    const lineEnds = fc.constantFrom('\n', '\r\n', '\r');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat()),
        lineEnds,
        fc.string({ unit: 'grapheme' }),
        async (cuts, end, word) => {
          const data = JSON.stringify({ word });
          const text = ['id: 1', 'event: log', `data: ${data}`, '', 'id: 2', 'data: é🔑', '', ''].join(end);
          expect(await parse(text, cuts)).toEqual([
            { id: '1', event: 'log', data },
            { id: '2', event: 'message', data: 'é🔑' },
          ]);
        },
      ),
    );
  });
});

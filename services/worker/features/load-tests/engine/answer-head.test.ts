import { Client, type Dispatcher } from 'undici';
import { type LoadTarget, startTarget } from '../../../../../test/fixtures/load-target.ts';
import { readHead } from './answer-head.ts';

const raw = (...texts: string[]): Buffer[] => texts.map(text => Buffer.from(text, 'latin1'));

describe('the head of an answer', () => {
  it('has all cookies and the first location, whatever the case of their names', () => {
    const headers = raw(
      'Set-Cookie',
      'a=1',
      'LOCATION',
      '/caf\xe9',
      'set-cookie',
      'b=2',
      'location',
      '/other',
    );
    expect(readHead(headers)).toMatchObject({ cookies: ['a=1', 'b=2'], location: '/caf\xe9' });
  });

  it('has a location in UTF-8 as it was meant', () => {
    expect(readHead([Buffer.from('Location'), Buffer.from('/商品?q=café')]).location).toBe('/商品?q=café');
  });

  it('has neither where names are only as long, or begin alike', () => {
    const { cookies, location } = readHead(
      raw('connection', 'close', 'set-cooki\xe5', 'a=1', 'locatios', '/'),
    );
    expect({ cookies, location }).toEqual({ cookies: undefined, location: undefined });
  });

  it('is as long as what was sent, with the reason phrase OK', () => {
    const sent = 'HTTP/1.1 200 OK\r\nDate: today\r\nX-Empty: \r\n\r\n';
    expect(readHead(raw('Date', 'today', 'X-Empty', '')).bytes).toBe(sent.length);
  });
});

/** What `patches/` makes true of it (docs/decisions/017): without, all works, at more cost. */
describe('undici as it is patched', () => {
  let target: LoadTarget;
  let client: Client;
  beforeEach(async () => {
    target = await startTarget();
    client = new Client(target.origin);
  });
  afterEach(async () => {
    await client.close();
    await target.stop();
  });

  /** Sends a request; gives the headers that the handler was given. */
  const headersOf = (more: { readsRawHeaders?: true }) =>
    new Promise<unknown>((resolve, reject) => {
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart: () => {},
        onResponseStart: (_controller, _status, headers) => resolve(headers),
        onResponseData: () => {},
        onResponseEnd: () => {},
        onResponseError: (_controller, error) => reject(error),
      };
      client.dispatch({ path: '/', method: 'GET' }, { ...handler, ...more });
    });

  it('leaves headers as they came for a handler that reads them so, and for no other', async () => {
    expect(await headersOf({ readsRawHeaders: true })).toContainEqual(Buffer.from('Content-Length'));
    expect(await headersOf({})).toMatchObject({ 'content-length': '2' });
  });

  it('keeps no long list of requests that are done', async () => {
    for (let count = 0; count < 60; count++) await headersOf({});
    const queue = Object.getOwnPropertySymbols(client).find(({ description }) => description === 'queue');
    const kept: unknown = queue && Reflect.get(client, queue);
    expect(Array.isArray(kept) ? kept.length : kept).toBeLessThan(20);
  });
});

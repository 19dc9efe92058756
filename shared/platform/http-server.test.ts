import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { serveHttp } from './http-server.ts';

const anyPort = { name: 'test server', host: '127.0.0.1', port: 0 };

describe('an HTTP server', () => {
  it('finishes the request under way when it stops, then closes its kept-alive connection', async () => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const server = await serveHttp(async (_request, response) => {
      arrived.resolve();
      await release.promise;
      response.end('done');
    }, anyPort);
    const agent = new Agent({ keepAlive: true });
    const answer = new Promise<number | undefined>((resolve, reject) => {
      get(server.url, { agent }, response => {
        response.resume().once('end', () => resolve(response.statusCode));
      }).once('error', reject);
    });
    await arrived.promise;
    const stopped = server.stop();
    release.resolve();
    expect(await answer).toBe(200);
    await stopped;
    agent.destroy();
  });

  it('cuts a request that outlasts the drain time', async () => {
    const arrived = Promise.withResolvers<void>();
    const server = await serveHttp(() => arrived.resolve(), { ...anyPort, drainMs: 20 });
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
    await arrived.promise;
    await server.stop();
    await closed;
  });

  it('does not wait for connections on which no request has come', async () => {
    const server = await serveHttp((_request, response) => response.end(), { ...anyPort, drainMs: 60_000 });
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await server.stop();
    await closed;
  });

  it('says which port is taken', async () => {
    const first = await serveHttp((_request, response) => response.end(), anyPort);
    const second = serveHttp(() => {}, { ...anyPort, port: first.port });
    await expect(second).rejects.toThrow(`port ${first.port} on 127.0.0.1 is taken`);
    await first.stop();
    await first.stop();
  });
});

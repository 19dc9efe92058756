import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Service } from '../../shared/kernel/lifecycle.ts';

/**
 * `GET /health` for a container's health check: 200 with what the worker does, for as long as its event loop
 * turns. Whether its dependencies are there is the API's to say: a restart of the worker would not mend them.
 */
export async function startHealthServer(
  port: number,
  state: () => object,
): Promise<Service & { port: number }> {
  const server = createServer((request, response) => {
    const known = request.method === 'GET' && request.url === '/health';
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? { status: 'ok', ...state() } : { error: 'not_found' }));
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(port, resolve);
  await promise;
  return {
    name: 'health server',
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

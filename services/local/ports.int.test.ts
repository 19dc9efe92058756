import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { claimPort } from './ports.ts';

const host = '127.0.0.1';
const request = { owner: 'API', setting: 'PORT', host };
let server: Server;

beforeEach(async () => {
  server = createServer().listen(0, host);
  await once(server, 'listening');
});
afterEach(() => new Promise<void>(closed => server.close(() => closed())));

const takenPort = (): number => (server.address() as AddressInfo).port;

describe('claiming a port', () => {
  it('says who wants a taken one, and which setting chooses another', async () => {
    const port = takenPort();
    await expect(claimPort({ ...request, port })).rejects.toMatchObject({
      code: 'conflict',
      message: `Port ${port}, where the API should listen, is taken`,
      hint: expect.stringContaining(`PORT=${port + 1} npm start`),
    });
  });

  it('gives a free one for 0, which can be listened on at once', async () => {
    const port = await claimPort({ ...request, port: 0 });
    const user = createServer().listen(port, host);
    await once(user, 'listening');
    await new Promise<void>(closed => user.close(() => closed()));
  });

  it('refuses a host that is not of this machine', async () => {
    await expect(claimPort({ ...request, host: '192.0.2.1', port: 0 })).rejects.toThrow('HOST=192.0.2.1');
  });
});

import { once } from 'node:events';
import { createServer } from 'node:net';
import { AppError, systemCodeOf } from '../../shared/kernel/errors.ts';

export interface PortRequest {
  /** Who will listen, for the message. */
  owner: string;
  /** The setting that chooses the port. */
  setting: string;
  /** 0 takes any free port. */
  port: number;
  host: string;
}

/**
 * A port that was free a moment ago, found before any process starts, so that a taken one is one clear
 * sentence instead of a crash log. The port is fixed from here on: a restarted child comes back on it.
 */
export async function claimPort({ owner, setting, port, host }: PortRequest): Promise<number> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  } catch (error) {
    throw explain(error, { owner, setting, port, host });
  } finally {
    if (server.listening) await new Promise<void>(closed => server.close(() => closed()));
  }
}

function explain(error: unknown, { owner, setting, port, host }: PortRequest): unknown {
  const code = systemCodeOf(error);
  if (code === 'EADDRINUSE') {
    return new AppError('conflict', `Port ${port}, where the ${owner} should listen, is taken`, {
      hint: `Choose another one: ${setting}=${port + 1} npm start (0 takes any free port).`,
    });
  }
  if (code === 'EACCES') {
    return new AppError('forbidden', `This user may not listen on port ${port}`, {
      hint: `Choose a port above 1023: ${setting}=${port + 8000} npm start.`,
    });
  }
  if (code === 'EADDRNOTAVAIL') {
    return new AppError('validation_failed', `HOST=${host} is not an address of this machine`);
  }
  return error;
}

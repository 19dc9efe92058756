import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { z } from 'zod';

/** Servers that take what is sent, in a process of their own. */
export interface Sink {
  smtpUrl: string;
  pushUrl: string;
  /** How many e-mails have come. */
  taken(): Promise<number>;
  stop(): void;
}

const address = z.object({ smtpUrl: z.string(), pushUrl: z.string() });

export async function startSink(): Promise<Sink> {
  const child = fork(join(import.meta.dirname, 'main.ts'), ['deadline-notifications', 'sink'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [listening] = await once(child, 'message');
  return { ...address.parse(listening), taken: () => takenBy(child), stop: () => void child.kill() };
}

async function takenBy(sink: ChildProcess): Promise<number> {
  sink.send('count');
  const [count] = await once(sink, 'message');
  return count;
}

/** nodemailer's smtp-server, which reads each message to its end and counts it; and a push service that takes all. */
export async function runSink(): Promise<void> {
  let taken = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, _session, done) {
      stream.on('end', () => {
        taken += 1;
        done();
      });
      stream.resume();
    },
  });
  server.on('error', () => {});
  process.on('message', () => process.send?.(taken));
  const push = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(201).end());
  });
  server.listen(0, '127.0.0.1', () => {
    push.listen(0, '127.0.0.1', () => {
      const at = (listener: { address(): unknown }) =>
        `127.0.0.1:${(listener.address() as AddressInfo).port}`;
      process.send?.({ smtpUrl: `smtp://${at(server.server)}`, pushUrl: `http://${at(push)}` });
    });
  });
  await once(process, 'disconnect');
  server.close();
  push.close();
}

import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import type { Service } from '../../../shared/kernel/lifecycle.ts';
import type { MessageList } from './messages.ts';

/** An SMTP server that takes everything and delivers nothing, on a free port of this machine. */
export async function startSmtpCatcher(messages: MessageList): Promise<Service & { url: string }> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, { envelope }, done) {
      text(stream).then(body => {
        const from = envelope.mailFrom === false ? null : (envelope.mailFrom?.address ?? null);
        const to = envelope.rcptTo.map(({ address }) => address).join(', ');
        messages.add({ kind: 'email', from, to, subject: subjectOf(body), body });
        done();
      }, done);
    },
  });
  server.on('error', () => {}); // a client that went away
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const { port } = server.server.address() as AddressInfo;
  return {
    name: 'mail catcher',
    url: `smtp://127.0.0.1:${port}`,
    stop: () => new Promise(stopped => server.close(() => stopped())),
  };
}

/** The subject, decoded (RFC 2047) as far as our own messages need it. */
function subjectOf(message: string): string | null {
  const [head = ''] = message.split('\r\n\r\n', 1);
  const subject = /^subject: (.*(?:\r\n[ \t].*)*)/im.exec(head)?.[1];
  if (subject === undefined) return null;
  return subject
    .replaceAll(/\?=\s+=\?/g, '?==?') // between encoded words white space is none
    .replaceAll(/=\?utf-8\?(b|q)\?([^?]*)\?=/gi, (_, encoding: string, data: string) =>
      encoding.toLowerCase() === 'b' ? Buffer.from(data, 'base64').toString('utf8') : decodeQ(data),
    )
    .replaceAll(/\r\n[ \t]/g, ' ');
}

const decodeQ = (data: string): string =>
  decodeURIComponent(data.replaceAll('%', '%25').replaceAll('_', '%20').replaceAll('=', '%'));

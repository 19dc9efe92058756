import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createTransport } from 'nodemailer';
import addressparser from 'nodemailer/lib/addressparser';
import { renderEmail } from '../../../../../shared/contracts/notification-messages/email.ts';
import { oneLine } from '../../../../../shared/contracts/notification-messages/message.ts';
import { createUnsubscribeLinks } from '../../../../../shared/contracts/notification-messages/unsubscribe.ts';
import { createLinkSigner } from '../../../../../shared/platform/notification-keys.ts';
import { cycleIdsIn } from '../../../../../shared/store/deadline-notifications/notification-alerts.ts';
import type { NotificationSettings } from '../deps.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import type { Message, OfficeMessages } from '../plan/plan-office.ts';
import { createMimeWriter, type Mailbox } from './mime.ts';
import type { SendResult } from './result.ts';
import { explain } from './smtp-errors.ts';
import { createLogin } from './smtp-login.ts';

export interface EmailSender {
  /** Rejects when the template fails. */
  send(message: Message, office: OfficeMessages, deadlines: Deadlines, asOf: string): Promise<SendResult>;
  close(): void;
}

/** One address of printable ASCII, without anything that ends an address: it becomes a header. */
const address = /^[^\s()<>[\]",;:\\@\P{ASCII}\p{Cc}]{1,64}@[^\s()<>[\]",;:\\@\P{ASCII}\p{Cc}]{1,255}$/u;

/** Sends e-mail over a pool of SMTP connections. */
export function createEmailSender(settings: NotificationSettings, connections: number): EmailSender {
  const { smtpUrl = '', timeoutMs } = settings;
  const from = mailboxOf(settings.mailFrom);
  const write = createMimeWriter();
  const transport = createTransport({
    url: smtpUrl,
    pool: true,
    maxConnections: connections,
    maxMessages: Number.POSITIVE_INFINITY,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const login = createLogin(transport, smtpUrl);
  const links = createUnsubscribeLinks(settings.publicUrl, createLinkSigner(settings.keyHex, 'unsubscribe'));
  const bodies = new Map<string, Body>();
  // nodemailer's own stream of a message is a pipeline of three, whose remains survive until the whole heap is looked
  // through. Ours is written already; a connection that was lost before it began is followed by another stream.
  transport.use('stream', ({ message }, done) => {
    const body = bodies.get(message.messageId());
    if (body !== undefined) message.createReadStream = () => openStream(body);
    done();
  });

  return {
    async send(message, office, { alerts, list }, asOf) {
      const { email, name, id } = message.staff;
      if (!address.test(email))
        return {
          status: 'failed',
          code: 'invalid_address',
          detail: 'The address of the staff member is none',
        };
      const refusal = await login.refusal();
      if (refusal !== undefined) return refusal;
      const messageId = `<${messageKey(message, office)}@${from.address.split('@')[1]}>`;
      const unsubscribeUrl = links.urlFor(id);
      const content = { ...office, staffName: name, asOf, alerts };
      const to = { name: oneLine(name), address: email };
      const extra = {
        'List-Unsubscribe': `<${unsubscribeUrl}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        'Auto-Submitted': 'auto-generated',
      };
      const pieces = write({ from, to, messageId, extra }, renderEmail(content, list(), unsubscribeUrl));
      bodies.set(messageId, { pieces });
      try {
        await transport.sendMail({ envelope: { from: from.address, to: email }, messageId, raw: notRead });
        return { status: 'sent' };
      } catch (error) {
        login.judge(error);
        return explain(error, bodies.get(messageId)?.stream?.readableEnded === true);
      } finally {
        bodies.delete(messageId);
      }
    },
    close: () => transport.close(),
  };
}

/** A message on its way. */
interface Body {
  pieces: readonly Buffer[];
  /** The stream of the last connection that it was given to. */
  stream?: Readable;
}

/** Stands for the message where nodemailer asks for one: it is read from its body. */
const notRead = '-';

function openStream(body: Body): Readable {
  let next = 0;
  body.stream = new Readable({
    read() {
      this.push(body.pieces[next++] ?? null);
    },
  });
  return body.stream;
}

/** The ledger's key in short: a message that is sent again after all keeps its Message-ID. */
const messageKey = ({ staff, channel, alerts }: Message, { officeId }: OfficeMessages): string =>
  createHash('sha256')
    .update([officeId, staff.id, channel, cycleIdsIn(alerts)].join('/'))
    .digest('base64url');

/** The settings have made sure that it is one. */
function mailboxOf(text: string): Mailbox {
  const [mailbox] = addressparser(text, { flatten: true });
  return { name: mailbox?.name ?? '', address: mailbox?.address ?? '' };
}

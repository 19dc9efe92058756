import { randomBytes } from 'node:crypto';
import { encodeWord, foldLines } from 'nodemailer/lib/mime-funcs';
import type { EmailText } from '../../../../../shared/contracts/notification-messages/email.ts';

export interface Mailbox {
  name: string;
  address: string;
}

interface MailHeaders {
  from: Mailbox;
  to: Mailbox;
  messageId: string;
  /** Further headers, in ASCII. */
  extra: Record<string, string>;
}

/** Gives a message in pieces, to be sent one after the other. Pieces that several messages share are the same buffer. */
export type MimeWriter = (headers: MailHeaders, email: EmailText) => Buffer[];

/** Bytes that one line of base64 holds, before they are encoded (RFC 2045, 6.8). */
const lineBytes = 57;

/**
 * Writes messages as they go over the wire: text and HTML, both in base64. Made by nodemailer, each message would be
 * encoded anew, which is two thirds of what sending one costs. Here every part of a body is filled up with spaces to
 * whole lines of base64, so that encoded parts can follow each other: the list of an office is encoded once, and no
 * message has a copy of it.
 */
export function createMimeWriter(): MimeWriter {
  const shared = new Map<string, Buffer>();
  const boundary = `=_${randomBytes(12).toString('hex')}`;

  function encodeShared(list: string): Buffer {
    const known = shared.get(list);
    if (known !== undefined) return known;
    if (shared.size >= sharedKept) shared.clear();
    const encoded = Buffer.from(encodeLines(list));
    shared.set(list, encoded);
    return encoded;
  }
  const partHead = (type: string): string =>
    `--${boundary}\r\nContent-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n`;

  return (headers, { subject, text, html }) => [
    Buffer.from(
      `${headOf(headers, subject, boundary)}\r\n${partHead('text/plain')}${encodeLines(text.head)}`,
    ),
    encodeShared(text.list),
    Buffer.from(`${encodeLines(text.tail)}\r\n${partHead('text/html')}${encodeLines(html.head)}`),
    encodeShared(html.list),
    Buffer.from(`${encodeLines(html.tail)}\r\n--${boundary}--\r\n`),
  ];
}

function headOf({ from, to, messageId, extra }: MailHeaders, subject: string, boundary: string): string {
  const headers = {
    From: mailbox(from),
    To: mailbox(to),
    Subject: encodeText(subject, printable),
    'Message-ID': messageId,
    Date: new Date().toUTCString().replace('GMT', '+0000'),
    ...extra,
    'MIME-Version': '1.0',
    'Content-Type': `multipart/alternative; boundary="${boundary}"`,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${foldLines(`${name}: ${value}`, 76)}\r\n`);
  return lines.join('');
}

/** The lists, text and HTML, of the offices that are being sent at once, and some more. */
const sharedKept = 32;

function encodeLines(text: string): string {
  const missing = (lineBytes - (Buffer.byteLength(text) % lineBytes)) % lineBytes;
  return Buffer.from(text + ' '.repeat(missing))
    .toString('base64')
    .replaceAll(/.{76}/g, '$&\r\n');
}

/** Addresses are checked before; a name is whatever somebody called themselves. */
const mailbox = ({ name, address }: Mailbox): string =>
  name === '' ? address : `${encodeText(name, plainWords)} <${address}>`;

const plainWords = /^[A-Za-z0-9 ]*$/;
const printable = /^(?!.*=\?)[ -~]*$/;

/** Text of plain characters as it is, all other as encoded words (RFC 2047). */
const encodeText = (text: string, plain: RegExp): string =>
  plain.test(text) ? text : encodeWord(text, 'B', 52);

import { randomBytes } from 'node:crypto';
import { encodeWord, foldLines } from 'nodemailer/lib/mime-funcs';
import type { EmailText } from '../../../../shared/contracts/notification-messages/email.ts';

export interface Mailbox {
  name: string;
  address: string;
}

export interface MailHeaders {
  from: Mailbox;
  to: Mailbox;
  messageId: string;
  /** Further headers, in ASCII. */
  extra: Record<string, string>;
}

/** Encodes the parts of a body; those that several messages share are encoded once. */
export type MimeWriter = (headers: MailHeaders, email: EmailText) => string;

/** Of a line of base64 (RFC 2045, 6.8), in bytes before the encoding. */
const lineBytes = 57;

/**
 * Writes messages as they go over the wire: text and HTML, both in base64. Made by nodemailer, each message would be
 * encoded anew, which is two thirds of what sending one costs. Here every part of a body is filled up with spaces to
 * whole lines of base64, so that encoded parts can follow each other, and the list of an office is encoded once.
 */
export function createMimeWriter(): MimeWriter {
  const shared = new Map<string, string>();
  const boundary = `=_${randomBytes(12).toString('hex')}`;

  function encodeShared(list: string): string {
    const known = shared.get(list);
    if (known !== undefined) return known;
    if (shared.size >= sharedKept) shared.clear();
    const encoded = encodeLines(list);
    shared.set(list, encoded);
    return encoded;
  }
  const part = (type: string, { head, list, tail }: EmailText['text']): string =>
    `--${boundary}\r\nContent-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n` +
    `${encodeLines(head)}${encodeShared(list)}${encodeLines(tail)}\r\n`;

  return ({ from, to, messageId, extra }, { subject, text, html }) => {
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
    const head = Object.entries(headers).map(([name, value]) => `${foldLines(`${name}: ${value}`, 76)}\r\n`);
    return `${head.join('')}\r\n${part('text/plain', text)}${part('text/html', html)}--${boundary}--\r\n`;
  };
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

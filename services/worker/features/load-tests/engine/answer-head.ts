import type { Dispatcher } from 'undici';
import { textOfHeader } from '../../../../../shared/platform/target/answers.ts';

/** What the engine needs of an answer's head. */
interface AnswerHead {
  /** Its size; the reason phrase is taken to be short. */
  bytes: number;
  /** `set-cookie` headers. */
  cookies: string[] | undefined;
  /** The first `location`. */
  location: string | undefined;
}

const statusLineBytes = 'HTTP/1.1 200 OK\r\n\r\n'.length;

/**
 * Reads the headers as they came: names and values in turn, in bytes. An object of all of them, which undici makes unless
 * its handler says that it `readsRawHeaders`, was 7 % of a request's CPU time (docs/decisions/017).
 */
export function readHead(rawHeaders: Dispatcher.DispatchController['rawHeaders']): AnswerHead {
  const head: AnswerHead = { bytes: statusLineBytes, cookies: undefined, location: undefined };
  const headers = rawHeaders as readonly Buffer[]; // those of HTTP/1.1
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index];
    const value = headers[index + 1];
    if (name === undefined || value === undefined) continue;
    head.bytes += name.length + value.length + ': \r\n'.length;
    if (isName(name, 'set-cookie')) {
      head.cookies ??= [];
      head.cookies.push(value.toString('latin1'));
    } else if (isName(name, 'location')) {
      head.location ??= textOfHeader(value);
    }
  }
  return head;
}

/** Without a string for each name: most differ in length, or in their first letter. */
function isName(bytes: Buffer, name: string): boolean {
  if (bytes.length !== name.length) return false;
  for (let index = 0; index < name.length; index++) {
    if (((bytes[index] ?? 0) | 0x20) !== name.charCodeAt(index)) return false;
  }
  return true;
}

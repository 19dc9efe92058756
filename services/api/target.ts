import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { type Allowlist, bareHost } from '../../shared/kernel/allowlist.ts';
import { AppError, type Fault, messageOf } from '../../shared/kernel/errors.ts';
import { within } from './within.ts';

/** A target that may be hit, as far as can be said before; engines check again whatever they connect to. */
export interface Target {
  url: URL;
  /** What its name resolves to; none when it does not. */
  addresses: Address[];
}
interface Address {
  address: string;
  family: number;
}

const lookupMs = 3_000;
const answerMs = 5_000;
const maxBytes = 1_000_000;

/** @throws AppError `target_not_allowed` */
export async function findTarget(text: string, allowlist: Allowlist): Promise<Target> {
  const url = new URL(text);
  const host = bareHost(url.hostname);
  const addresses = await resolve(host);
  const refused = addresses.find(({ address }) => !allowlist.permits(host, address));
  if (refused === undefined && (addresses.length > 0 || allowlist.allowsHost(host)))
    return { url, addresses };
  const where =
    refused === undefined || refused.address === host ? '' : `, and resolves to ${refused.address}`;
  throw targetError('target_not_allowed', `is not allowed: ${host} is not in TARGET_ALLOWLIST${where}`);
}

const targetError = (code: 'target_not_allowed' | 'target_unreachable', detail: string): AppError => {
  const fault: Fault = { pointer: '/target_url', code, detail };
  return new AppError(code, `/target_url ${detail}`, { faults: [fault] });
};

async function resolve(host: string): Promise<Address[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  return within(lookupMs, lookup(host, { all: true })).catch(() => []);
}

/**
 * What the target answers to `GET path`, as JSON. Connects to the addresses that were checked and to no other.
 * @throws AppError `target_unreachable`, or `catalogue_unreadable` when the answer is no JSON document
 */
export async function fetchJson({ url, addresses }: Target, path: string): Promise<unknown> {
  const [first] = addresses;
  if (first === undefined) throw targetError('target_unreachable', `has a name that does not resolve`);
  const pinned: LookupFunction = (_host, { all }, callback) => {
    if (all) callback(null, addresses);
    else callback(null, first.address, first.family);
  };
  const agent = new Agent({ connect: { lookup: pinned, timeout: answerMs } });
  try {
    return await readJson(new URL(path, url), agent);
  } finally {
    await agent.destroy();
  }
}

async function readJson(url: URL, dispatcher: Dispatcher): Promise<unknown> {
  const signal = AbortSignal.timeout(answerMs);
  const answer = await request(url, { dispatcher, signal, headers: { accept: 'application/json' } }).catch(
    (error: unknown) => {
      throw targetError('target_unreachable', `does not answer: ${messageOf(error)}`);
    },
  );
  if (answer.statusCode !== 200) throw unreadable(`it answers ${answer.statusCode} at ${url.pathname}`);
  try {
    return JSON.parse(await readText(answer.body));
  } catch (error) {
    throw unreadable(`what it answers at ${url.pathname} is no JSON: ${messageOf(error)}`);
  }
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The 422 for a target whose catalogue is missing or says something else. */
export function unreadable(reason: string): AppError {
  const detail = `lists no endpoints: ${reason}; give them in endpoints`;
  const fault: Fault = { pointer: '/target_url', code: 'catalogue_unreadable', detail };
  return new AppError('catalogue_unreadable', `/target_url ${detail}`, { faults: [fault] });
}

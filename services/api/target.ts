import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import { refuse } from '../../shared/http/faults.ts';
import { type Allowlist, bareHost } from '../../shared/kernel/allowlist.ts';
import { AppError, type Fault, isAppError, messageOf } from '../../shared/kernel/errors.ts';
import { within } from './within.ts';

/** Which targets requests may name. */
export interface TargetRules {
  allowlist: Allowlist;
  /** The target of a request that names none. */
  storefrontUrl: string | undefined;
}

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

/** The target of a request. @throws AppError when it names none and there is no storefront */
export function targetUrlOf(
  { target_url }: { target_url?: string | undefined },
  { storefrontUrl }: TargetRules,
): string {
  const found = target_url ?? storefrontUrl;
  if (found !== undefined) return found;
  throw refuse('/target_url', 'required', 'is required: no storefront is set (STOREFRONT_URL)');
}

const sentTarget = z.object({ target_url: z.url({ protocol: /^https?$/ }).optional() });

/** What is wrong with the target of a body that is at fault elsewhere: nothing, where it cannot be read. */
export async function faultsOfSentTarget(body: unknown, rules: TargetRules): Promise<Fault[]> {
  const sent = sentTarget.safeParse(body);
  if (!sent.success) return [];
  try {
    await findTarget(targetUrlOf(sent.data, rules), rules);
    return [];
  } catch (error) {
    if (isAppError(error)) return error.faults;
    throw error;
  }
}

/** @throws AppError `target_not_allowed` */
export async function findTarget(text: string, { allowlist }: TargetRules): Promise<Target> {
  const url = new URL(text);
  const host = bareHost(url.hostname);
  const { addresses, allowed, refused } = await lookUpHost(host, allowlist);
  if (allowed) return { url, addresses };
  const where =
    refused === undefined || refused.address === host ? '' : `, and resolves to ${refused.address}`;
  throw targetError('target_not_allowed', `is not allowed: ${host} is not in TARGET_ALLOWLIST${where}`);
}

const targetError = (code: 'target_not_allowed' | 'target_unreachable', detail: string): AppError => {
  const fault: Fault = { pointer: '/target_url', code, detail };
  return new AppError(code, `/target_url ${detail}`, { faults: [fault] });
};

/** What a host resolves to, and whether all of it is allowed; if not, which address is to blame. */
export async function lookUpHost(host: string, allowlist: Allowlist) {
  const addresses = await resolve(host);
  const refused = addresses.find(({ address }) => !allowlist.permits(host, address));
  const allowed = refused === undefined && (addresses.length > 0 || allowlist.allowsHost(host));
  return { addresses, allowed, refused };
}

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

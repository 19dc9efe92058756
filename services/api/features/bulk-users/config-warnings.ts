import { isReserved } from '../../../../shared/contracts/reserved-domains.ts';
import { type CreationConfig, defaultPassword } from '../../../../shared/http/creation-config.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import type { HashPrice } from '../../../../shared/platform/passwords/hash-price.ts';
import type { Taken } from '../../../../shared/store/bulk-users/taken-names.ts';
import { addressDomain } from './address-domain.ts';

/** What a warning is about: the configuration as it would be in force, and what was found out around it. */
export interface Circumstances {
  config: CreationConfig;
  count: number | undefined;
  /** How many users a chunk would have. */
  chunkSize: number;
  /** Whether the request itself names a password. */
  namesPassword: boolean;
  taken: { looked: number; names: Taken; addresses: Taken };
  hashes: number;
  price: HashPrice;
}

type Warning = Omit<Fault, 'pointer'> & { part: keyof CreationConfig };
type Rule = (circumstances: Circumstances) => Warning | undefined;

/** A larger chunk than the system would ever choose: progress comes in leaps, and a crash costs more. */
const largeChunk = 5000;
/** Hashing that takes longer than this gets a warning. */
const dearSeconds = 10;

const partOfAddress = ({ username_pattern }: CreationConfig) =>
  username_pattern.includes('@') ? 'username_pattern' : 'email_domain';

function detailOfTaken(
  what: string,
  { taken, example }: Taken,
  { looked, count }: { looked: number; count: number },
): string | undefined {
  if (taken === 0) return undefined;
  const sample = looked < count ? `, of ${looked} of them that were looked at` : '';
  return `gives ${what} that are taken: ${number(taken)}${sample}, ${example} for one; those users would fail`;
}

const rules: Rule[] = [
  ({ config }) => {
    const domain = addressDomain(config);
    if (isReserved(domain)) return undefined;
    const detail = `gives addresses at ${domain}, which may be somebody's: example.com, .test and .invalid are nobody's`;
    return { part: partOfAddress(config), code: 'deliverable_domain', detail };
  },
  ({ config: { password, distinct_passwords } }) =>
    password === defaultPassword && distinct_passwords === undefined
      ? {
          part: 'password',
          code: 'default_password',
          detail: 'is the one that everybody knows, the same for all users: give one, or distinct_passwords',
        }
      : undefined,
  ({ config: { distinct_passwords }, namesPassword }) =>
    distinct_passwords !== undefined && namesPassword
      ? { part: 'password', code: 'password_unused', detail: 'is not used: distinct_passwords makes others' }
      : undefined,
  ({ config: { batch_size: size = 0 } }) =>
    size > largeChunk
      ? {
          part: 'batch_size',
          code: 'large_chunk',
          detail: `makes chunks of ${size} users: progress comes in leaps; above ${largeChunk} nothing gets faster`,
        }
      : undefined,
  ({ config: { batch_size: size = 0 }, count = 0 }) =>
    count > 1000 && size >= count
      ? {
          part: 'batch_size',
          code: 'single_chunk',
          detail: 'puts all users into one chunk: one worker does it all',
        }
      : undefined,
  ({ config: { creation_interval_ms }, count = 0, chunkSize }) => {
    const seconds = ((Math.ceil(count / chunkSize) - 1) * creation_interval_ms) / 1000;
    if (seconds < 3600) return undefined;
    const detail = `makes the pauses between chunks ${describeSeconds(seconds)} long in all`;
    return { part: 'creation_interval_ms', code: 'long_pauses', detail };
  },
  ({ taken: { looked, names }, count = 0 }) => {
    const detail = detailOfTaken('names', names, { looked, count });
    return detail === undefined ? detail : { part: 'username_pattern', code: 'names_taken', detail };
  },
  ({ config, taken: { looked, addresses }, count = 0 }) => {
    const detail = detailOfTaken('addresses', addresses, { looked, count });
    return detail === undefined ? detail : { part: partOfAddress(config), code: 'addresses_taken', detail };
  },
  ({ hashes, price: { seconds, cores } }) =>
    hashes > 1 && seconds >= dearSeconds
      ? {
          part: 'distinct_passwords',
          code: 'hash_price',
          detail: `${number(hashes)} distinct hashes: about ${describeSeconds(seconds)} on ${cores} cores`,
        }
      : undefined,
];

/** What is unwise in a configuration. */
export function warningsOf(circumstances: Circumstances, base: string): Fault[] {
  const found = rules.map(rule => rule(circumstances)).filter(warning => warning !== undefined);
  return found.map(({ part, ...warning }) => ({ pointer: `${base}/${part}`, ...warning }));
}

const number = (value: number) => value.toLocaleString('en');

function describeSeconds(seconds: number): string {
  if (seconds < 100) return `${Math.max(1, Math.round(seconds))} seconds`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} minutes`;
  return `${Math.round(seconds / 3600)} hours`;
}

import { join } from 'node:path';
import { z } from 'zod';
import { bareHost, parseAllowlist } from '../kernel/allowlist.ts';
import { AppError, type Fault } from '../kernel/errors.ts';
import { parsePushAllowlist } from '../kernel/push-allowlist.ts';

/**
 * Every setting that a process takes from its environment, parsed once at the composition root.
 * No other file reads `process.env`. An empty variable counts as unset (Compose passes those).
 */
const port = z.coerce.number().int().min(0).max(65_535);
const flag = z.enum(['true', 'false', '1', '0']).transform(value => value === 'true' || value === '1');
const url = (protocols: string[]) =>
  z.url().refine(
    text => !URL.canParse(text) || protocols.includes(new URL(text).protocol), // what is no URL is a fault already
    `must start with ${protocols.join(' or ')}`,
  );

/** Entries of an allow-list, separated by commas. */
const listFor = (parse: (entries: string[]) => { faults: Fault[] }) =>
  z
    .string()
    .transform(text =>
      text
        .split(',')
        .map(entry => entry.trim())
        .filter(Boolean),
    )
    .superRefine((entries, context) => {
      for (const { detail } of parse(entries).faults) context.addIssue({ code: 'custom', message: detail });
    });

/** Host names, addresses and CIDRs. */
const targets = listFor(parseAllowlist);

/** Five fields; what is in them is checked by the queue, when it is told of the schedule. */
const cron = z
  .string()
  .regex(/^\S+( \S+){4}$/, 'must be five fields of cron: minute, hour, day of month, month, day of week');

const timeZone = z
  .string()
  .refine(isTimeZone, 'must be a time zone of the IANA database, such as Asia/Tokyo');

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export const environment = z.object({
  NODE_ENV: z.enum(['production', 'development', 'test']).default('production'),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(8080),
  STOREFRONT_PORT: port.default(5001),
  STOREFRONT_CONNECTIONS: z.coerce.number().int().min(1).max(500).default(20),
  STOREFRONT_URL: url(['http:', 'https:']).optional(),
  DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  APP_DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  /** The application's database again, for the role that may write to test users only. */
  TEST_DATA_DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  /** The mapping of the application's users table (docs/bulk-users.md); the storefront's when unset. */
  USER_DIRECTORY: z.string().optional(),
  /** Read by libuv itself, at its first use; here for what it says of threads. */
  UV_THREADPOOL_SIZE: z.coerce.number().int().min(1).max(1024).default(4),
  REDIS_URL: url(['redis:', 'rediss:']).optional(),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,30}$/, 'must be lower case letters, digits and _')
    .default('muster'),
  WORKERS: z.coerce.number().int().min(1).max(64).default(2),
  /** The heap of each worker of `npm start`, in MiB. With little to spare V8 clears up earlier, and memory stays flat. */
  WORKER_HEAP_MB: z.coerce.number().int().min(128).max(65_536).default(384),
  WORKER_NAME: z.string().max(100).optional(),
  WORKER_PORT: port.optional(),
  WORKER_LOCK_MS: z.coerce.number().int().min(1000).max(600_000).default(15_000),
  SEED_SHOP: flag.optional(),
  ACCESS_LOG: z.string().optional(),
  DATA_DIR: z.string().default('.muster'),
  MUSTER_API_KEY: z.string().min(16, 'must be at least 16 characters').optional(),
  /** The API key of the other Muster, for `muster users sync --peer`. */
  MUSTER_PEER_API_KEY: z.string().optional(),
  MUSTER_ENCRYPTION_KEY: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'must be 32 bytes in hex (openssl rand -hex 32)')
    .optional(),
  DISABLE_AUTH: flag.default(false),
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).default(3000),
  LOGIN_ATTEMPTS_PER_MINUTE: z.coerce.number().int().min(1).default(10),
  TRUST_PROXY: z.coerce.number().int().min(0).default(0),
  LOAD_SLOTS: z.coerce.number().int().min(0).max(64).default(2),
  LOAD_MAX_CONNECTIONS: z.coerce.number().int().min(1).max(60_000).default(5000),
  TARGET_ALLOWLIST: targets.optional(),
  /** Which other Musters users may be synced with. */
  SYNC_PEER_ALLOWLIST: targets.default(['localhost']),
  /** A file of settings and templates (docs/settings.md), JSON or YAML. */
  MUSTER_CONFIG: z.string().optional(),
  MAX_BULK_USERS: z.coerce.number().int().min(1).max(10_000_000).optional(),
  MAX_LOAD_USERS: z.coerce.number().int().min(1).default(10_000),
  MAX_LOAD_RATE: z.coerce.number().min(1).default(50_000),
  MAX_LOAD_DURATION_MINUTES: z.coerce.number().min(1).default(1440),
  /** The API as people reach it: the start of links in messages. */
  PUBLIC_URL: url(['http:', 'https:']).optional(),
  SMTP_URL: url(['smtp:', 'smtps:']).optional(),
  MAIL_FROM: z
    .string()
    .regex(/^[^\p{Cc}]*[^\s\p{Cc}<>]+@[^\s\p{Cc}<>]+>?$/u, 'must be an address, or: Name <address>')
    .default('Muster <muster@localhost>'),
  MAIL_CATCHER_URL: url(['http:']).optional(),
  EMAILS_PER_SECOND: z.coerce.number().min(0.01).optional(),
  PUSHES_PER_SECOND: z.coerce.number().min(0.01).optional(),
  /** Push services besides those at public addresses: as targets, and origins. */
  PUSH_ALLOWLIST: listFor(parsePushAllowlist).default([]),
  VAPID_SUBJECT: url(['mailto:', 'https:']).default('mailto:muster@localhost.localdomain'),
  VAPID_PUBLIC_KEY: z
    .string()
    .regex(/^[\w-]{87}$/, 'must be 65 bytes in base64url')
    .optional(),
  VAPID_PRIVATE_KEY: z
    .string()
    .regex(/^[\w-]{43}$/, 'must be 32 bytes in base64url')
    .optional(),
  NOTIFICATION_SCHEDULE: cron.optional(),
  NOTIFICATION_TIME_ZONE: timeZone.default('Asia/Tokyo'),
  NOTIFICATION_OFFICE_CONCURRENCY: z.coerce.number().int().min(1).max(50).default(10),
  NOTIFICATION_MESSAGE_CONCURRENCY: z.coerce.number().int().min(1).max(50).default(5),
  NOTIFICATION_ATTEMPTS: z.coerce.number().int().min(1).max(10).default(4),
  NOTIFICATION_RETRY_MS: z.coerce.number().int().min(1).max(3_600_000).default(5000),
  NOTIFICATION_TIMEOUT_MS: z.coerce.number().int().min(100).max(600_000).default(30_000),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  LOG_DIR: z.string().optional(),
  LOG_RAW: flag.default(false),
  API: url(['http:', 'https:']).optional(),
  SHUTDOWN_TIMEOUT_MS: z.coerce.number().int().min(100).default(25_000),
});

export type Config = z.infer<typeof environment>;

/** Parses the environment; throws an `AppError` that names every variable at fault. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`);
    throw new AppError('validation_failed', `The environment has faults: ${faults.join('; ')}`);
  }
  const config = parsed.data;
  if (config.DISABLE_AUTH && config.NODE_ENV === 'production') {
    throw new AppError(
      'validation_failed',
      'DISABLE_AUTH=true is refused unless NODE_ENV is development or test',
    );
  }
  return config;
}

/** What load tests may hit: as set, otherwise this machine and the storefront. */
export function targetAllowlist({ TARGET_ALLOWLIST, STOREFRONT_URL }: Config): string[] {
  if (TARGET_ALLOWLIST !== undefined) return TARGET_ALLOWLIST;
  return ['localhost', ...(STOREFRONT_URL === undefined ? [] : [bareHost(new URL(STOREFRONT_URL).hostname)])];
}

/** The environment to hand on to a child process, without the variables that it must not see. */
export function inheritedEnvironment(without: (keyof Config)[] = []): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !without.some(other => other === name));
  return Object.fromEntries(kept);
}

/** A setting that this process cannot do without, with an error that says how to give it. */
export function required<K extends keyof Config>(config: Config, name: K): NonNullable<Config[K]> {
  const value = config[name];
  if (value === undefined || value === null) {
    throw new AppError('validation_failed', `${name} is not set`, { hint: `Set ${name}, or use npm start.` });
  }
  return value;
}

/** Where snapshots are kept: it must be the same folder for the api and all workers. */
export const snapshotFolder = (config: Config): string => join(config.DATA_DIR, 'snapshots');

/** Where workers count what their load tests send: it must be the same folder for all workers. */
export const sendJournalsFolder = (config: Config): string => join(config.DATA_DIR, 'load-tests');

/** Where syncs put files for load testers: it must be the same folder for all workers. */
export const exportsFolder = (config: Config): string => join(config.DATA_DIR, 'exports');

import { type Config, environment } from '../../shared/platform/config.ts';

/** Which of Muster's settings each kind of child reads. What is no setting of Muster's (PATH, proxies) all of them get. */
type Settings = readonly (keyof Config)[];

const ofLogs: Settings = ['NODE_ENV', 'LOG_LEVEL', 'LOG_DIR', 'LOG_RAW'];

export const settingsOfPostgres: Settings = ofLogs;

export const settingsOfMigration: Settings = [
  ...ofLogs,
  ...(['DATABASE_URL', 'APP_DATABASE_URL', 'TEST_DATA_DATABASE_URL'] as const),
  ...(['USER_DIRECTORY', 'REDIS_URL', 'QUEUE_PREFIX'] as const),
];

/** The application under test: what is kept in Muster is none of its business. */
export const settingsOfStorefront: Settings = [
  ...ofLogs,
  ...(['HOST', 'STOREFRONT_PORT', 'STOREFRONT_CONNECTIONS', 'APP_DATABASE_URL'] as const),
  ...(['SEED_SHOP', 'ACCESS_LOG', 'SHUTDOWN_TIMEOUT_MS', 'UV_THREADPOOL_SIZE'] as const),
];

/** Of the API and the command line alone. */
export const settingsOfApi: Settings = ['MUSTER_API_KEY', 'MUSTER_PEER_API_KEY', 'MAIL_CATCHER_URL'];

export function only(env: NodeJS.ProcessEnv, settings: Settings): NodeJS.ProcessEnv {
  const isOurs = (name: string) => name in environment.shape;
  const isRead = (name: string) => settings.some(setting => setting === name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isOurs(name) || isRead(name)));
}

export const without = (env: NodeJS.ProcessEnv, settings: Settings): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !settings.some(setting => setting === name)));

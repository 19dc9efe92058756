import { flushCompileCache } from 'node:module';
import { AppError, type ErrorCode, messageOf } from '../kernel/errors.ts';
import { createLifecycle, type Lifecycle } from '../kernel/lifecycle.ts';
import { type Config, loadConfig } from './config.ts';
import { createLogger, type Logger } from './log.ts';
import { onParentLost } from './parent-guard.ts';

/** What a service's composition root is given; what it opens it adds to the lifecycle. */
export type ServiceStart = (config: Config, logger: Logger, lifecycle: Lifecycle) => Promise<void>;

/** `EX_CONFIG` of sysexits.h: what the process was given is at fault, and starting it again changes nothing. */
export const misconfigured = 78;
const faultsOfConfiguration: ReadonlySet<ErrorCode> = new Set(['validation_failed', 'secret_unreadable']);

/** What is left, in milliseconds, to close connections when all the time for a stop was given to work under way. */
const closingMs = 1000;

/**
 * The life of one process: configuration, logs, `start`; on SIGTERM, SIGINT or the loss of the parent everything
 * that was started stops in reverse order, and the process ends with code 0. A start or a stop that fails ends it
 * with code 1, or `misconfigured`, and says why; so does a stop that takes too long: what it waits for may be a
 * database that does not answer. A second SIGTERM or SIGINT ends it at once.
 */
export async function runService(name: string, start: ServiceStart): Promise<void> {
  try {
    const config = loadConfig();
    const logger = createLogger(name, {
      level: config.LOG_LEVEL,
      dir: config.LOG_DIR,
      fileName: config.WORKER_NAME,
    });
    const lifecycle = createLifecycle();
    const started = start(config, logger, lifecycle);
    const stop = (reason: string) => {
      logger.info({ reason }, 'stopping');
      const longestMs = config.SHUTDOWN_TIMEOUT_MS + closingMs;
      const late = new Error(`The stop was not done after ${longestMs} ms`);
      setTimeout(() => exitWith(name, late), longestMs).unref();
      // A signal during the start waits for it, or what is started next would stay.
      const stopped = started.catch(() => {}).then(() => lifecycle.stop());
      stopped.then(() => process.exit(0)).catch((error: unknown) => exitWith(name, error));
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    onParentLost(() => stop('parent lost'));
    await started.catch(async (error: unknown) => {
      await lifecycle.stop().catch(() => undefined);
      throw error;
    });
    flushCompileCache(); // where there is one: not at the end only, for those that start meanwhile and for a kill
  } catch (error) {
    exitWith(name, error);
  }
}

function exitWith(name: string, error: unknown): void {
  const hint = error instanceof AppError ? error.hint : undefined;
  createLogger(name, { level: 'fatal' }).fatal({ reason: messageOf(error), hint }, 'cannot run');
  process.exit(exitCodeOf(error));
}

/** What a process that cannot run ends with. */
export const exitCodeOf = (error: unknown): number =>
  error instanceof AppError && faultsOfConfiguration.has(error.code) ? misconfigured : 1;

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isNativeError } from 'node:util/types';
import pino from 'pino';
import { withoutStatement } from '../kernel/errors.ts';

export type Logger = pino.Logger;

/** Paths that never reach a log, at any of the depths at which requests, errors and jobs carry them. */
const secretFields = [
  'password',
  'api_key',
  'apiKey',
  'authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'token',
  'secret',
];
const secretPaths = secretFields.flatMap(field => {
  const key = /^\w+$/.test(field) ? `.${field}` : `["${field}"]`;
  return [key.replace(/^\./, ''), `*${key}`, `*.*${key}`, `*.*.*${key}`];
});

export interface LogOptions {
  level: string;
  /** A folder for files `<name>.<date>.<n>.log`, rotated each day or at 50 MB, 14 kept; stdout alone when absent. */
  dir?: string | undefined;
  /** The files' name; the service's when absent. Two processes must not share one. */
  fileName?: string | undefined;
}

/** Structured JSON logs: to stdout, and also to rotated files when a folder is given. */
export function createLogger(service: string, { level, dir, fileName = service }: LogOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorForLog },
    redact: { paths: secretPaths, censor: '[redacted]' },
    formatters: { level: label => ({ level: label }) },
  };
  if (dir === undefined) return pino(options);
  mkdirSync(dir, { recursive: true });
  const { formatters: _formatters, ...fileOptions } = options; // pino refuses formatters with several targets
  const targets: pino.TransportTargetOptions[] = [
    { target: 'pino/file', level, options: { destination: 1 } },
    {
      target: 'pino-roll',
      level,
      options: {
        file: join(dir, fileName),
        dateFormat: 'yyyy-MM-dd',
        frequency: 'daily',
        size: '50m',
        extension: '.log',
        limit: { count: 14 },
      },
    },
  ];
  return pino(fileOptions, pino.transport({ targets }));
}

/** How errors are logged; for loggers of libraries, which bring serializers of their own. */
export function errorForLog(error: Error): pino.SerializedError {
  const told = withoutStatement(error);
  return pino.stdSerializers.err(isNativeError(told) ? told : error);
}

// The one home of winston. JSON lines or short text on standard error; never the value of a Secret.
import { Writable } from 'node:stream';
import winston from 'winston';

export type LogFields = Readonly<Record<string, unknown>>;

/** A constant message and fields: that is what can be searched later. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each line. */
  child(fields: LogFields): Logger;
}

export type LogFormat = 'json' | 'text';
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

const REDACTED_FIELD = /^(authorization|token|password|secret|data|stringData|key|privateKey)$/i;

/** Replaces fields whose name says that they hold a credential, and turns errors into their message and cause. */
export function redact(fields: LogFields): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (REDACTED_FIELD.test(name)) clean[name] = '[redacted]';
    else if (value instanceof Error) clean[name] = describeError(value);
    else clean[name] = value;
  }
  return clean;
}

function describeError(error: Error): string {
  const cause = error.cause instanceof Error ? `: ${describeError(error.cause)}` : '';
  return `${error.message}${cause}`;
}

function textLine(info: winston.Logform.TransformableInfo): string {
  const { level, message, timestamp, ...fields } = info;
  const rest = Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
  return `${String(timestamp)} ${level.padEnd(5)} ${String(message)}${rest === '' ? '' : ` ${rest}`}`;
}

export interface LoggerOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  /** Takes the lines, each with its newline, in place of standard error. */
  readonly write?: (text: string) => void;
}

/** A logger on standard error. */
export function createLogger(options: LoggerOptions): Logger {
  const { combine, timestamp, json, printf } = winston.format;
  const logger = winston.createLogger({
    level: options.level,
    format: combine(timestamp(), options.format === 'json' ? json() : printf(textLine)),
    transports: [transport(options.write)],
  });
  return wrap(logger);
}

function transport(write: LoggerOptions['write']): winston.transport {
  if (write === undefined)
    return new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] });
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: unknown, _encoding, done) {
      write(String(chunk));
      done();
    },
  });
  return new winston.transports.Stream({ stream });
}

function wrap(logger: winston.Logger): Logger {
  return {
    error: (message, fields = {}) => void logger.error(message, redact(fields)),
    warn: (message, fields = {}) => void logger.warn(message, redact(fields)),
    info: (message, fields = {}) => void logger.info(message, redact(fields)),
    debug: (message, fields = {}) => void logger.debug(message, redact(fields)),
    child: (fields) => wrap(logger.child(redact(fields))),
  };
}

/** Says nothing; for tests and for parts that were given no logger. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};

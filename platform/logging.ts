// The one home of winston. JSON lines or short text on standard error; never the value of a Secret.
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import type winston from 'winston';
import { terminalText } from './terminal-text.ts';

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

/** A chain may be a ring where somebody else made it. */
const CAUSES = 10;

/** What a cause says is not said twice. */
function describeError(error: Error): string {
  let said = error.message;
  let cause = error.cause;
  for (let depth = 0; depth < CAUSES && cause instanceof Error; depth += 1) {
    if (!said.includes(cause.message)) said = `${said}: ${cause.message}`;
    cause = cause.cause;
  }
  return said;
}

function textLine(info: winston.Logform.TransformableInfo): string {
  const { level, message, timestamp, ...fields } = info;
  const rest = Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
  const text = `${String(message)}${rest === '' ? '' : ` ${rest}`}`;
  return `${String(timestamp)} ${level.padEnd(5)} ${terminalText(text)}`;
}

export interface LoggerOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  /** Takes the lines, each with its newline, in place of standard error. */
  readonly write?: (text: string) => void;
}

/** In order of importance. */
const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

type WriteLine = (level: LogLevel, message: string, fields: LogFields) => void;

/** A logger on standard error. */
export function createLogger(options: LoggerOptions): Logger {
  let logger: winston.Logger | undefined;
  return loggerAt(options.level, {}, (level, message, fields) => {
    logger ??= openLogger(options);
    logger.log(level, message, fields);
  });
}

function loggerAt(level: LogLevel, context: LogFields, write: WriteLine): Logger {
  const most = LEVELS.indexOf(level);
  const lineAt =
    (at: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LEVELS.indexOf(at) <= most) write(at, message, { ...context, ...redact(fields) });
    };
  return {
    error: lineAt('error'),
    warn: lineAt('warn'),
    info: lineAt('info'),
    debug: lineAt('debug'),
    child: (fields) => loggerAt(level, { ...context, ...redact(fields) }, write),
  };
}

/** Loads winston with the first line: a healthy start writes none, and the package costs 25 to 50 ms and 12 MB. */
function openLogger({ format, level, write }: LoggerOptions): winston.Logger {
  const library = createRequire(import.meta.url)('winston') as typeof winston;
  const { combine, timestamp, json, printf } = library.format;
  return library.createLogger({
    level,
    format: combine(timestamp(), format === 'json' ? json() : printf(textLine)),
    transports: [transport(library, write)],
  });
}

function transport(library: typeof winston, write: LoggerOptions['write']): winston.transport {
  if (write === undefined) return new library.transports.Console({ stderrLevels: [...LEVELS] });
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: unknown, _encoding, done) {
      write(String(chunk));
      done();
    },
  });
  return new library.transports.Stream({ stream });
}

/** Says nothing; for tests and for parts that were given no logger. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};

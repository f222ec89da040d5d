// What the server asks for over the tunnel, parsed: one session of logs, of a command, or of forwarded ports.
import { jsonFields } from '#platform/json-fields.ts';
import type { ExecOptions, SessionStreams } from '../runtimes/container-sessions.ts';
import type { LogOptions } from '../runtimes/runtime.ts';

interface Subject {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  /** '' for ports. */
  readonly container: string;
}

export interface LogRequest extends Subject {
  readonly stream: 'log';
  readonly previous: boolean;
  readonly options: LogOptions;
}

export interface ExecRequest extends Subject {
  readonly stream: 'exec';
  readonly options: ExecOptions;
}

export interface AttachRequest extends Subject {
  readonly stream: 'attach';
  readonly options: SessionStreams;
}

export interface PortForwardRequest extends Subject {
  readonly stream: 'portforward';
}

export type StreamRequest = ExecRequest | AttachRequest | PortForwardRequest;
export type SessionRequest = LogRequest | StreamRequest;

/** What the server may be told instead of a session. */
export class SessionError extends Error {
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.name = 'SessionError';
    this.code = code;
    this.reason = reason;
  }
}

export interface Open {
  readonly session: string;
  readonly request: SessionRequest | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** undefined for what is no request at all; a request of an unknown kind is answered with an error. */
export function parseOpen(text: string): Open | undefined {
  const fields = jsonFields(text);
  if (fields === undefined) return undefined;
  const { type, session, stream, namespace, pod, uid, container, options } = fields;
  if (type !== 'open' || typeof session !== 'string' || !/^[0-9a-f]{32}$/.test(session))
    return undefined;
  if (![namespace, pod, uid, container].every((item) => typeof item === 'string'))
    return { session, request: undefined };
  const subject: Subject = {
    namespace: String(namespace),
    pod: String(pod),
    uid: String(uid),
    container: String(container),
  };
  return { session, request: parseRequest(stream, subject, (options ?? {}) as Fields) };
}

function parseRequest(
  stream: unknown,
  subject: Subject,
  options: Fields,
): SessionRequest | undefined {
  switch (stream) {
    case 'log':
      return {
        stream,
        ...subject,
        previous: options['previous'] === true,
        options: logOptions(options),
      };
    case 'exec': {
      const command: readonly unknown[] = Array.isArray(options['command'])
        ? options['command']
        : [];
      if (command.length === 0 || !command.every((word) => typeof word === 'string'))
        return undefined;
      return { stream, ...subject, options: { command, ...streamsOf(options) } };
    }
    case 'attach':
      return { stream, ...subject, options: streamsOf(options) };
    case 'portforward':
      return { stream, ...subject };
    default:
      return undefined;
  }
}

function streamsOf(options: Fields): SessionStreams {
  return {
    stdin: options['stdin'] === true,
    stdout: options['stdout'] === true,
    stderr: options['stderr'] === true,
    tty: options['tty'] === true,
  };
}

function logOptions(given: Fields): LogOptions {
  const number = (name: string): number | undefined =>
    typeof given[name] === 'number' && given[name] >= 0 ? given[name] : undefined;
  const tailLines = number('tailLines');
  const sinceTime = number('sinceTime');
  const limitBytes = number('limitBytes');
  return {
    follow: given['follow'] === true,
    timestamps: given['timestamps'] === true,
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}

// The agent's side of the tunnel: dials the server, keeps the line open, and dials back once for each session that the server asks
// for. A machine behind NAT needs no open port. Logs today; exec, attach and port-forward later on the same path.
import type { Readable } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { WebSocket } from 'ws';
import { backoffMs } from '#platform/backoff.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { Connection } from '../machinery/kubeconfig.ts';
import type { LogOptions } from '../runtimes/runtime.ts';

export interface LogRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly container: string;
  readonly previous: boolean;
  readonly options: LogOptions;
}

/** What the server may be told instead of bytes. */
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

export interface TunnelOptions {
  readonly connection: Connection;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** @throws SessionError */
  readonly openLog: (request: LogRequest, signal: AbortSignal) => Promise<Readable>;
}

const SUBPROTOCOL = 'tunnel.windlass.dev.v1';
/** The server pings every 20 s; after this much silence the line is dead. */
const SILENCE_MS = 45_000;
const BACKOFF = { initialMs: 200, maximumMs: 15_000, jitter: 0.5 };
const HIGH_WATER_BYTES = 1 << 20;

/** Keeps the tunnel open until the signal aborts. */
export async function runTunnel(options: TunnelOptions, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const opened = await holdTunnel(options, signal);
      failures = opened ? 0 : failures + 1;
      await sleep(
        options.clock,
        backoffMs(Math.max(0, failures - 1), BACKOFF, options.random()),
        signal,
      );
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      options.logger.debug('Tunnel failed', { error });
    }
  }
}

/** Resolves when the line is down; true if it was up. */
async function holdTunnel(options: TunnelOptions, signal: AbortSignal): Promise<boolean> {
  const socket = await dial(
    options,
    `windlass/v1/nodes/${encodeURIComponent(options.nodeName)}/tunnel`,
  );
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let opened = false;
  let cancelSilence = (): void => undefined;
  const alive = (): void => {
    cancelSilence();
    cancelSilence = options.clock.schedule(SILENCE_MS, () => socket.terminate());
  };
  const onAbort = (): void => socket.terminate();
  signal.addEventListener('abort', onAbort, { once: true });
  socket.on('open', () => {
    opened = true;
    alive();
  });
  socket.on('ping', alive);
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    alive();
    if (!isBinary) void serve(options, data.toString('utf8'), signal);
  });
  socket.on('error', (error) => options.logger.debug('Tunnel failed', { error }));
  socket.on('close', () => {
    cancelSilence();
    signal.removeEventListener('abort', onAbort);
    resolve(opened);
  });
  return promise;
}

async function serve(options: TunnelOptions, text: string, signal: AbortSignal): Promise<void> {
  const open = parseOpen(text);
  if (open === undefined) {
    options.logger.warn('The server asked over the tunnel for something unknown');
    return;
  }
  const socket = await dial(options, `windlass/v1/sessions/${open.session}`);
  const session = new AbortController();
  const ended = AbortSignal.any([signal, session.signal]);
  socket.on('error', (error) => options.logger.debug('Session failed', { error }));
  socket.on('close', () => session.abort(new Error('session closed')));
  socket.on('open', () => void answer(options, socket, open, ended));
}

async function answer(
  options: TunnelOptions,
  socket: WebSocket,
  open: Open,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (open.request === undefined)
      throw new SessionError(400, 'BadRequest', 'the agent does not know this kind of session');
    const log = await options.openLog(open.request, signal);
    socket.send(JSON.stringify({ status: 'ok' }));
    const stop = (): void => void log.destroy();
    signal.addEventListener('abort', stop, { once: true });
    for await (const chunk of log as AsyncIterable<Buffer>) await send(socket, chunk);
    socket.close(1000);
  } catch (error) {
    if (signal.aborted || socket.readyState !== WebSocket.OPEN) return;
    const known =
      error instanceof SessionError
        ? error
        : new SessionError(500, 'InternalError', (error as Error).message);
    const { code, reason, message } = known;
    socket.send(JSON.stringify({ status: 'error', code, reason, message }));
    socket.close(1000);
  }
}

/** Waits while the server is behind. */
function send(socket: WebSocket, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const behind = socket.bufferedAmount > HIGH_WATER_BYTES;
    socket.send(chunk, { binary: true }, (error) => {
      if (error !== undefined && error !== null) reject(error);
      else if (behind) resolve();
    });
    if (!behind) resolve();
  });
}

async function dial(options: TunnelOptions, path: string): Promise<WebSocket> {
  const { server, tls } = options.connection;
  const base = server.href.replace(/^http/, 'ws').replace(/\/$/, '');
  const { ca, cert, key, rejectUnauthorized, servername } = tls as ConnectionOptions;
  return new WebSocket(`${base}/${path}`, SUBPROTOCOL, {
    headers: { ...(await options.connection.headers()) },
    perMessageDeflate: false,
    handshakeTimeout: 10_000,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  });
}

interface Open {
  readonly session: string;
  readonly request: LogRequest | undefined;
}

/** undefined for what is no request at all; a request of an unknown kind is answered with an error. */
export function parseOpen(text: string): Open | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const message = value as Readonly<Record<string, unknown>>;
  const { type, session, stream, namespace, pod, uid, container } = message;
  if (type !== 'open' || typeof session !== 'string' || !/^[0-9a-f]{32}$/.test(session))
    return undefined;
  const strings = [namespace, pod, uid, container];
  if (stream !== 'log' || !strings.every((item) => typeof item === 'string'))
    return { session, request: undefined };
  const given = (message['options'] ?? {}) as Readonly<Record<string, unknown>>;
  const number = (name: string): number | undefined =>
    typeof given[name] === 'number' && given[name] >= 0 ? given[name] : undefined;
  const tailLines = number('tailLines');
  const sinceTime = number('sinceTime');
  const limitBytes = number('limitBytes');
  return {
    session,
    request: {
      namespace: String(namespace),
      pod: String(pod),
      uid: String(uid),
      container: String(container),
      previous: given['previous'] === true,
      options: {
        follow: given['follow'] === true,
        timestamps: given['timestamps'] === true,
        ...(tailLines === undefined ? {} : { tailLines }),
        ...(sinceTime === undefined ? {} : { sinceTime }),
        ...(limitBytes === undefined ? {} : { limitBytes }),
      },
    },
  };
}

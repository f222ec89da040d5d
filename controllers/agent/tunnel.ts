// The agent's side of the tunnel: dials the server, keeps the line open, and dials back once for each session that the server asks
// for: logs, commands and forwarded ports. A machine behind NAT needs no open port.
import type { Readable } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { WebSocket } from 'ws';
import { backoffMs } from '#platform/backoff.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import { Multiplexer } from '#platform/multiplex/multiplexer.ts';
import type { Connection } from '../machinery/kubeconfig.ts';
import { parseImageOpen, serveImages } from './image-session.ts';
import type { ImageService } from './image-session.ts';
import { parseOpen, SessionError } from './session-request.ts';
import type { LogRequest, Open, StreamRequest } from './session-request.ts';
import type { UsageMeter } from './usage/usage-meter.ts';
import { parseUsageOpen, serveUsage } from './usage/usage-session.ts';
import type { StreamService } from './stream-service.ts';

export interface TunnelOptions {
  readonly connection: Connection;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** @throws SessionError */
  readonly openLog: (request: LogRequest, signal: AbortSignal) => Promise<Readable>;
  /** @throws SessionError */
  readonly openStream: (request: StreamRequest) => Promise<StreamService>;
  readonly images: ImageService;
  readonly usage: Pick<UsageMeter, 'read'>;
}

const SUBPROTOCOL = 'tunnel.windlass.dev.v1';
/** The server pings every 20 s; after this much silence the line is dead. */
const SILENCE_MS = 45_000;
const BACKOFF = { initialMs: 200, maximumMs: 15_000, jitter: 0.5 };
const HIGH_WATER_BYTES = 1 << 20;
const MESSAGE_LIMIT_BYTES = 1 << 20;
const NORMAL_CLOSE = 1000;

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
  const { images, logger } = options;
  const call = parseImageOpen(text);
  if (call !== undefined) {
    const socket = await dial(options, `windlass/v1/sessions/${call.session}`);
    serveImages(socket, call, images, logger, signal);
    return;
  }
  const usage = parseUsageOpen(text);
  if (usage !== undefined) {
    const socket = await dial(options, `windlass/v1/sessions/${usage}`);
    serveUsage(socket, options.usage, logger, signal);
    return;
  }
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
    if (open.request.stream === 'log') await serveLog(options, socket, open.request, signal);
    else await serveStream(options, socket, open.request, signal);
    socket.close(NORMAL_CLOSE);
  } catch (error) {
    if (signal.aborted || socket.readyState !== WebSocket.OPEN) return;
    const known =
      error instanceof SessionError
        ? error
        : new SessionError(500, 'InternalError', (error as Error).message);
    const { code, reason, message } = known;
    socket.send(JSON.stringify({ status: 'error', code, reason, message }));
    socket.close(NORMAL_CLOSE);
  }
}

async function serveLog(
  options: TunnelOptions,
  socket: WebSocket,
  request: LogRequest,
  signal: AbortSignal,
): Promise<void> {
  const log = await options.openLog(request, signal);
  socket.send(JSON.stringify({ status: 'ok' }));
  const stop = (): void => void log.destroy();
  signal.addEventListener('abort', stop, { once: true });
  for await (const chunk of log as AsyncIterable<Buffer>) await send(socket, chunk);
}

async function serveStream(
  options: TunnelOptions,
  socket: WebSocket,
  request: StreamRequest,
  signal: AbortSignal,
): Promise<void> {
  const service = await options.openStream(request);
  signal.throwIfAborted();
  const session = new Multiplexer({
    send: (message, done) => socket.send(message, { binary: true }, done),
    close: (error) => {
      if (error !== undefined) options.logger.warn('Session ended', { error });
      socket.close(NORMAL_CLOSE);
    },
    ...(service.onOpen === undefined ? {} : { onOpen: service.onOpen }),
  });
  const end = (): void => session.end(signal.reason as Error);
  signal.addEventListener('abort', end, { once: true });
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) session.receive(data);
  });
  const running = service.run(session);
  socket.send(JSON.stringify({ status: 'ok' }));
  await running;
  signal.removeEventListener('abort', end);
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
    maxPayload: MESSAGE_LIMIT_BYTES,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  });
}

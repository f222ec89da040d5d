// One session that an agent has dialled: first a status, then bytes or frames, then the end. Bytes are read no faster than they are
// taken; frames hold up their channels themselves.
import type { Duplex } from 'node:stream';

import type { WebSocket } from 'ws';

import { Multiplexer } from '#platform/multiplex/multiplexer.ts';

import { ApiError, internalError, serviceUnavailable } from '../api/errors.ts';

/** Bytes that may wait here before reading from the agent stops. */
const HIGH_WATER_BYTES = 256 * 1024;
const NORMAL_CLOSE = 1000;
const ENDED = serviceUnavailable('the node ended the session early');

interface SessionStatus {
  readonly status: 'ok' | 'error';
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

export class TunnelSession {
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #status: SessionStatus | undefined;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #multiplexer: Multiplexer | undefined;

  /** @param socket the connection below, which is paused while the reader is behind */
  constructor(webSocket: WebSocket, socket: Duplex) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    webSocket.on('message', (data: Buffer, isBinary: boolean) => this.#onMessage(data, isBinary));
    webSocket.on('error', (error) => this.#end(error));
    webSocket.on('close', (code) => {
      this.#end(code === NORMAL_CLOSE ? undefined : ENDED);
    });
  }

  /** Resolves once the agent has said ok. @throws ApiError the agent's own, or one that says it left */
  async accepted(): Promise<void> {
    while (this.#status === undefined && !this.#ended) await this.#activity();
    const status = this.#status;
    if (status?.status === 'ok') return;
    if (status === undefined) {
      throw this.#error ?? serviceUnavailable('the node closed the session without an answer');
    }
    throw new ApiError(
      status.code ?? 500,
      status.reason ?? 'InternalError',
      status.message ?? 'the node refused without a reason',
    );
  }

  /** The bytes, until the agent ends the session. @throws ApiError when it ends otherwise than it should */
  async *bytes(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        this.#queuedBytes -= next.length;
        if (this.#queuedBytes < HIGH_WATER_BYTES && this.#socket.isPaused()) this.#socket.resume();
        yield next;
      } else if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      } else await this.#activity();
    }
  }

  /** Takes what comes from now on as frames instead of bytes. */
  multiplex(): Multiplexer {
    const multiplexer = new Multiplexer({
      send: (message, done) => this.#webSocket.send(message, { binary: true }, done),
      close: () => this.close(),
    });
    this.#multiplexer = multiplexer;
    for (const message of this.#queue.splice(0)) multiplexer.receive(message);
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#ended) multiplexer.end(this.#error ?? ENDED);
    return multiplexer;
  }

  /** Sends bytes, or a text, to the agent. Resolves when they have left. */
  send(message: Buffer | string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#webSocket.send(message, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(serviceUnavailable('the node ended the session early'));
      });
    });
  }

  /** Tells the agent to stop reading. */
  close(): void {
    this.#end(undefined);
    this.#webSocket.close(NORMAL_CLOSE);
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#multiplexer !== undefined) this.#multiplexer.receive(data);
    else if (isBinary) {
      this.#queue.push(data);
      this.#queuedBytes += data.length;
      if (this.#queuedBytes >= HIGH_WATER_BYTES) this.#socket.pause();
    } else if (this.#status === undefined) {
      const status = parseStatus(data);
      if (status === undefined) this.#end(internalError('the node answered with no status'));
      else this.#status = status;
    }
    this.#wake?.();
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#multiplexer?.end(error ?? ENDED);
    this.#wake?.();
  }

  #activity(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

function parseStatus(data: Buffer): SessionStatus | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { status, code, reason, message } = value as Readonly<Record<string, unknown>>;
  if (status !== 'ok' && status !== 'error') return undefined;
  return {
    status,
    // Only error codes may come out of an error: an agent must not make the server say 200 or 301.
    ...(typeof code === 'number' && Number.isInteger(code) && code >= 400 && code < 600
      ? { code }
      : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof message === 'string' ? { message } : {}),
  };
}

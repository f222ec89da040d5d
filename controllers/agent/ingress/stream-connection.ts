// One forwarded connection. Bytes pass as they are. Where they are HTTP/1 it knows when nothing is under way, and then the client does not
// depend on its instance: it is let go when that drains, closes or dies, and gets another one with its next request. Other
// protocols keep their instance to the end.
import type { Socket } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import { HTTPExchange } from './http-exchange.ts';

/** A connection to an instance. */
export interface InstanceSocket {
  readonly podUID: string;
  readonly socket: Socket;
  /** Called once, when the instance has no more to do with the client. */
  readonly release: () => void;
}

export interface ConnectionOptions {
  readonly client: Socket;
  readonly clock: Clock;
  /** A connection to a ready instance; undefined when there is none. */
  readonly dial: (wanted: () => boolean) => Promise<InstanceSocket | undefined>;
}

/** A client without an instance and without a request is let go after this time. */
const IDLE_LIMIT_MS = 60_000;
/** How long a protocol is waited for that does not show when it is done: its instance ends it when it is told to stop. */
const OPAQUE_LIMIT_MS = 10_000;

export class StreamConnection {
  /** Resolves when the client is gone. */
  readonly closed: Promise<void>;
  readonly #options: ConnectionOptions;
  readonly #client: Socket;
  readonly #exchange = new HTTPExchange();
  #upstream: InstanceSocket | undefined;
  #dialling = false;
  /** Bytes of the client that wait for an instance. */
  #pending: Buffer[] = [];
  #clientEnded = false;
  /** Set while the instance drains: called when it is let go. */
  #letGo: (() => void) | undefined;
  #cancelIdle = (): void => undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { client } = options;
    this.#client = client;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    client.on('data', (chunk: Buffer) => this.#fromClient(chunk));
    client.on('drain', () => this.#upstream?.socket.resume());
    client.on('end', () => this.#clientEnd());
    client.on('error', () => client.destroy());
    client.on('close', () => {
      this.#cancelIdle();
      this.#detach()?.destroy();
      closed.resolve();
    });
    // Servers of some protocols speak first, so the instance is there before the first byte of the client.
    void this.#attach();
  }

  get podUID(): string | undefined {
    return this.#upstream?.podUID;
  }

  /** Resolves when the instance has nothing to do with this connection any more, or when that takes too long; then the connection goes on. */
  async drain(limitMs: number): Promise<void> {
    if (this.#upstream === undefined) return;
    const { clock } = this.#options;
    const free = Promise.withResolvers<void>();
    this.#letGo = free.resolve;
    const cancels = [
      clock.schedule(limitMs, free.resolve),
      clock.schedule(Math.min(OPAQUE_LIMIT_MS, limitMs / 2), () => {
        if (this.#exchange.isOpaque) free.resolve();
      }),
    ];
    this.#letGoIfIdle();
    await free.promise;
    for (const cancel of cancels) cancel();
  }

  /** Lets the instance go as soon as nothing is under way. */
  release(): void {
    if (this.#upstream === undefined) return;
    this.#letGo ??= () => undefined;
    this.#letGoIfIdle();
  }

  destroy(): void {
    this.#client.destroy();
    this.#detach()?.destroy();
  }

  async #attach(): Promise<void> {
    if (this.#dialling) return;
    this.#dialling = true;
    this.#cancelIdle();
    const upstream = await this.#options.dial(() => !this.#client.destroyed);
    this.#dialling = false;
    if (upstream === undefined || this.#client.destroyed) {
      upstream?.socket.destroy();
      upstream?.release();
      this.#client.destroy();
      return;
    }
    this.#upstream = upstream;
    const { socket } = upstream;
    socket.on('data', (chunk: Buffer) => this.#fromInstance(chunk));
    socket.on('drain', () => this.#client.resume());
    socket.on('end', () => this.#instanceEnd());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#instanceClosed(socket));
    for (const chunk of this.#pending.splice(0)) this.#toInstance(socket, chunk);
    if (this.#clientEnded) socket.end();
    if (!socket.writableNeedDrain) this.#client.resume();
  }

  #fromClient(chunk: Buffer): void {
    const socket = this.#upstream?.socket;
    if (socket !== undefined) {
      this.#toInstance(socket, chunk);
      return;
    }
    this.#pending.push(chunk);
    this.#client.pause();
    void this.#attach();
  }

  #toInstance(socket: Socket, chunk: Buffer): void {
    this.#exchange.request(chunk);
    if (!socket.write(chunk)) this.#client.pause();
  }

  #fromInstance(chunk: Buffer): void {
    this.#exchange.response(chunk);
    if (!this.#client.write(chunk)) this.#upstream?.socket.pause();
    this.#letGoIfIdle();
  }

  #clientEnd(): void {
    this.#clientEnded = true;
    if (this.#upstream !== undefined) this.#upstream.socket.end();
    else if (!this.#dialling) this.#client.end();
  }

  /** The instance will send no more. */
  #instanceEnd(): void {
    if (this.#isMovable()) this.#detach()?.destroy();
    else this.#client.end();
  }

  #instanceClosed(socket: Socket): void {
    if (this.#upstream?.socket !== socket) return;
    const isMovable = this.#isMovable();
    this.#detach();
    if (isMovable) return;
    // Both sides were told that it ends; otherwise the instance died in the middle of something.
    if (socket.readableEnded) this.#client.end();
    else this.#client.destroy();
  }

  /** Between two exchanges of HTTP/1 that go on. Before the first one too, but only a drain may use that: it may be another protocol. */
  #isMovable(): boolean {
    const { isIdle, isUntouched, closes } = this.#exchange;
    return isIdle && !closes && !this.#clientEnded && (!isUntouched || this.#letGo !== undefined);
  }

  #letGoIfIdle(): void {
    if (this.#letGo !== undefined && this.#isMovable()) this.#detach()?.destroy();
  }

  #detach(): Socket | undefined {
    const socket = this.#upstream?.socket;
    this.#upstream?.release();
    this.#upstream = undefined;
    this.#letGo?.();
    this.#letGo = undefined;
    if (socket === undefined || this.#client.destroyed) return socket;
    for (const event of ['data', 'end', 'drain']) socket.removeAllListeners(event);
    this.#client.resume();
    this.#cancelIdle();
    this.#cancelIdle = this.#options.clock.schedule(IDLE_LIMIT_MS, () => this.#client.end());
    return socket;
  }
}

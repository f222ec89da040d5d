// Several streams in one WebSocket: the first byte of a message names its channel (k8s.io/streaming wsstream; v5 adds a message that
// ends a channel). In the base64 protocols messages are text, the channel is a digit and the rest is encoded.
import { Readable, Writable } from 'node:stream';

import type { WebSocket } from 'ws';

const CLOSE_SIGNAL = 255;
const DIGIT_ZERO = 0x30;
const NORMAL_CLOSE = 1000;
const PING_INTERVAL_MS = 5_000;

export interface ChannelMessage {
  readonly channel: number;
  readonly bytes: Buffer;
}

/** undefined for what is no message of the protocol. */
export function decodeMessage(data: Buffer, isBase64: boolean): ChannelMessage | undefined {
  if (data.length === 0) return undefined;
  const first = data.readUInt8(0);
  if (!isBase64) return { channel: first, bytes: data.subarray(1) };
  const channel = first - DIGIT_ZERO;
  if (channel < 0 || channel > 9) return undefined;
  return { channel, bytes: Buffer.from(data.toString('latin1', 1), 'base64') };
}

export function encodeMessage(channel: number, bytes: Buffer, isBase64: boolean): Buffer | string {
  if (isBase64) return `${channel}${bytes.toString('base64')}`;
  return Buffer.concat([Buffer.from([channel]), bytes]);
}

export class WebSocketChannels {
  readonly #webSocket: WebSocket;
  readonly #isBase64: boolean;
  readonly #readers = new Map<number, ChannelReader>();
  readonly #listeners = new Map<number, (bytes: Buffer) => void>();
  readonly #closed = new AbortController();

  /** @param schedule calls back after so many milliseconds; what it returns cancels */
  constructor(
    webSocket: WebSocket,
    protocol: string,
    schedule: (delayMs: number, callback: () => void) => () => void,
  ) {
    this.#webSocket = webSocket;
    this.#isBase64 = protocol.includes('base64');
    webSocket.on('message', (data: Buffer) => this.#onMessage(data));
    webSocket.on('error', () => webSocket.terminate());
    // A client that is gone while nobody reads from it shows only when something is sent.
    const beat = (): void => {
      webSocket.ping();
      cancel = schedule(PING_INTERVAL_MS, beat);
    };
    let cancel = schedule(PING_INTERVAL_MS, beat);
    webSocket.on('close', () => {
      cancel();
      const reason = new Error('the client closed the connection');
      this.#closed.abort(reason);
      for (const reader of this.#readers.values()) reader.destroy(reason);
    });
  }

  /** Aborts when the client is gone. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** What the client sends on a channel, as a stream that holds it up. */
  reader(channel: number): Readable {
    const reader = new ChannelReader(this.#webSocket);
    this.#readers.set(channel, reader);
    return reader;
  }

  /** Each message on a channel. */
  listen(channel: number, listener: (bytes: Buffer) => void): void {
    this.#listeners.set(channel, listener);
  }

  /** Nothing more is read of a channel, as if the client had ended it. */
  endReader(channel: number): void {
    this.#readers.get(channel)?.receiveEnd();
  }

  writer(channel: number): Writable {
    const writer = new Writable({
      write: (chunk: Buffer, _encoding, done) => this.send(channel, chunk, done),
    });
    writer.on('error', () => undefined);
    return writer;
  }

  send(channel: number, bytes: Buffer, done?: (error?: Error | null) => void): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) {
      done?.(new Error('the client closed the connection'));
      return;
    }
    const message = encodeMessage(channel, bytes, this.#isBase64);
    this.#webSocket.send(message, { binary: !this.#isBase64 }, done);
  }

  close(): void {
    this.#webSocket.resume();
    this.#webSocket.close(NORMAL_CLOSE);
  }

  #onMessage(data: Buffer): void {
    const message = decodeMessage(data, this.#isBase64);
    if (message === undefined) return;
    const { channel, bytes } = message;
    if (channel === CLOSE_SIGNAL) {
      this.endReader(bytes[0] ?? CLOSE_SIGNAL);
      return;
    }
    this.#listeners.get(channel)?.(bytes);
    this.#readers.get(channel)?.receive(bytes);
  }
}

/** Stops the whole connection while its reader is behind: the protocol has no other way to hold up a client. */
class ChannelReader extends Readable {
  readonly #webSocket: WebSocket;
  #hasEnded = false;

  constructor(webSocket: WebSocket) {
    super({ highWaterMark: 256 * 1024 });
    this.#webSocket = webSocket;
    this.on('error', () => undefined);
  }

  receive(bytes: Buffer): void {
    if (this.#hasEnded || this.destroyed || bytes.length === 0) return;
    if (!this.push(bytes)) this.#webSocket.pause();
  }

  receiveEnd(): void {
    if (this.#hasEnded || this.destroyed) return;
    this.#hasEnded = true;
    this.push(null);
  }

  override _read(): void {
    if (this.#webSocket.isPaused) this.#webSocket.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#webSocket.isPaused) this.#webSocket.resume();
    done(error);
  }
}

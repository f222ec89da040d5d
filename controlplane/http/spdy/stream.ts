// One stream of a SPDY connection that the client has opened, as a Duplex. Its headers say what it is for.
import { Duplex } from 'node:stream';

import type { Headers } from './header-block.ts';

/** What a stream needs of its connection. */
export interface StreamLine {
  sendData(bytes: Buffer, isEnd: boolean, done: (error?: Error | null) => void): void;
  /** @param isReset false when both directions had ended */
  closed(isReset: boolean): void;
}

/** So much waits for a reader before the connection is no longer read. */
const HIGH_WATER_BYTES = 256 * 1024;

export class SpdyStream extends Duplex {
  readonly headers: Headers;
  readonly #line: StreamLine;
  #wake: (() => void) | undefined;
  #wasReset = false;
  #hasEnded = false;

  constructor(headers: Headers, line: StreamLine) {
    super({
      allowHalfOpen: true,
      readableHighWaterMark: HIGH_WATER_BYTES,
      writableHighWaterMark: 64 * 1024,
    });
    this.headers = headers;
    this.#line = line;
    // Whoever uses it looks at its end, not at each error.
    this.on('error', () => undefined);
  }

  /** @returns a promise when the connection shall not be read until the reader has caught up */
  receiveData(bytes: Buffer): Promise<void> | undefined {
    if (this.destroyed || this.#hasEnded || bytes.length === 0 || this.push(bytes))
      return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  receiveEnd(): void {
    if (this.destroyed || this.#hasEnded) return;
    this.#hasEnded = true;
    this.push(null);
  }

  receiveReset(): void {
    this.#wasReset = true;
    this.destroy(new Error('the client has given up the stream'));
  }

  override _read(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#line.sendData(chunk, false, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#line.sendData(Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#line.closed(!this.#wasReset && !(this.#hasEnded && this.writableFinished));
    this.#wake?.();
    this.#wake = undefined;
    done(error);
  }
}

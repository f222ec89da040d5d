// One two-way stream of bytes among several on one connection. Who sends may send so much, and more when who receives has taken
// it: a reader that stops holds up its own channel, no other, and nobody's memory grows.
import { Duplex } from 'node:stream';

/** So much may be under way in each direction of a channel: at 50 ms to a far machine that is 20 MB a second. */
export const WINDOW_BYTES = 1024 * 1024;
/** Credit is given back in parts of at least this size: one small message for several large ones. */
const CREDIT_STEP_BYTES = WINDOW_BYTES / 4;
const PIECE_BYTES = 64 * 1024;

/** What a channel needs of its connection. */
export interface ChannelLine {
  sendData(piece: Buffer, done: (error?: Error | null) => void): void;
  sendEnd(): void;
  sendCredit(bytes: number): void;
  /** The channel is destroyed; `reason` is for the other end, undefined when both directions had ended. */
  closed(reason: string | undefined): void;
}

/** The other end has given up the channel; the message is its reason. */
export class ChannelResetError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'ChannelResetError';
  }
}

export class Channel extends Duplex {
  readonly #line: ChannelLine;
  /** Bytes that we may still send. */
  #credit = WINDOW_BYTES;
  /** Bytes that the other end may still send. */
  #granted = WINDOW_BYTES;
  /** Taken by our reader and not given back yet. */
  #taken = 0;
  #pending: { rest: Buffer; readonly done: (error?: Error | null) => void } | undefined;
  #hasEnded = false;
  #wasReset = false;

  constructor(line: ChannelLine) {
    super({ allowHalfOpen: true, highWaterMark: PIECE_BYTES });
    this.#line = line;
    // Whoever uses it looks at its end, not at each error.
    this.on('error', () => undefined);
  }

  /** @returns false when the other end sent more than it may */
  receiveData(bytes: Buffer): boolean {
    if (this.destroyed) return true;
    if (bytes.length > this.#granted || this.#hasEnded) return false;
    this.#granted -= bytes.length;
    this.#taken += bytes.length;
    if (this.push(bytes)) this.#giveBack();
    return true;
  }

  receiveEnd(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (!this.destroyed) this.push(null);
  }

  receiveCredit(bytes: number): void {
    this.#credit += bytes;
    this.#flush();
  }

  receiveReset(reason: string): void {
    this.#wasReset = true;
    this.destroy(new ChannelResetError(reason));
  }

  override _read(): void {
    this.#giveBack();
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#pending = { rest: chunk, done };
    this.#flush();
  }

  override _final(done: () => void): void {
    this.#line.sendEnd();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const isDone = this.readableEnded && this.writableFinished;
    this.#line.closed(isDone || this.#wasReset ? undefined : (error?.message ?? 'closed'));
    this.#pending = undefined;
    done(error);
  }

  #flush(): void {
    while (this.#pending !== undefined && this.#credit > 0 && !this.destroyed) {
      const { rest, done } = this.#pending;
      const size = Math.min(rest.length, this.#credit, PIECE_BYTES);
      this.#credit -= size;
      if (size === rest.length) {
        this.#pending = undefined;
        this.#line.sendData(rest, done);
      } else {
        this.#pending.rest = rest.subarray(size);
        this.#line.sendData(rest.subarray(0, size), ignoreResult);
      }
    }
  }

  #giveBack(): void {
    if (this.#taken < CREDIT_STEP_BYTES || this.destroyed) return;
    this.#granted += this.#taken;
    this.#line.sendCredit(this.#taken);
    this.#taken = 0;
  }
}

/** The last piece of a chunk tells how it went. */
function ignoreResult(): void {
  // Nothing to do.
}
